/**
 * The fixed addresses of the full cluster. It listens on one address, that of its own bridge, which only this machine
 * can reach; nothing is exposed to the network around it.
 */
export const settings = {
  node: 'todochatbot-dev',
  /** Bridge the pods hang on; at most 15 characters. Its address is the node's. */
  bridge: 'todochatbot0',
  address: '10.61.0.1',
  podRange: '10.61.0.0/16',
  serviceRange: '10.62.0.0/16',
  dnsAddress: '10.62.0.10',
  clusterDomain: 'cluster.local',
  /** TCP ports taken on this machine, by who takes them. */
  ports: {
    api: 6443,
    etcd: 22379,
    etcdPeer: 22380,
    kubelet: 10250,
    kubeletHealth: 10248,
    controllerManager: 10257,
    scheduler: 10259,
    kubeProxyHealth: 10256,
    kubeProxyMetrics: 10249,
    metricsServer: 10261,
    /** chat-api on 127.0.0.1, a NodePort. */
    chatApi: 30800,
  },
} as const

/** Marks every iptables rule this cluster adds, so that `down` finds exactly those. */
export const RULE_COMMENT = 'todochatbot-dev'
