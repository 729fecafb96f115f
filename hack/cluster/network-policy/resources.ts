/** The parts of the API's objects that NetworkPolicies are about. The API server has validated them. */
import type { LabelSelector } from '../../../operator/src/kube/label-selector.ts'

export type Labels = Readonly<Record<string, string>>

export type Protocol = 'TCP' | 'UDP' | 'SCTP'

export interface Namespace {
  readonly metadata: { readonly name: string; readonly labels?: Labels }
}

interface Container {
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number; readonly protocol?: Protocol }[]
}

export interface Pod {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly labels?: Labels
  }
  readonly spec: {
    readonly hostNetwork?: boolean
    readonly containers: readonly Container[]
    readonly initContainers?: readonly Container[]
  }
  readonly status?: { readonly phase?: string; readonly podIP?: string }
}

/** Who may connect or be connected to: pods by their labels, or addresses. */
export interface Peer {
  readonly podSelector?: LabelSelector
  readonly namespaceSelector?: LabelSelector
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] }
}

export interface PolicyPort {
  /** Default TCP. */
  readonly protocol?: Protocol
  /** A number, the name of a container port, or absent for all ports. */
  readonly port?: number | string
  /** Last port of a range that begins at `port`. */
  readonly endPort?: number
}

/** networking.k8s.io/v1 */
export interface NetworkPolicy {
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly spec: {
    readonly podSelector?: LabelSelector
    /** Absent: Ingress, and Egress too where there is a list `egress`. */
    readonly policyTypes?: readonly ('Ingress' | 'Egress')[]
    readonly ingress?: readonly { readonly from?: readonly Peer[]; readonly ports?: readonly PolicyPort[] }[]
    readonly egress?: readonly { readonly to?: readonly Peer[]; readonly ports?: readonly PolicyPort[] }[]
  }
}

/** What the rules are made from. */
export interface ClusterState {
  readonly policies: readonly NetworkPolicy[]
  readonly pods: readonly Pod[]
  readonly namespaces: readonly Namespace[]
}
