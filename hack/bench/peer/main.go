// Command bench-peer is the smallest operator a Go engineer would write for TodoChatbot with controller-runtime: one
// reconciler that applies every object of a resource by server-side apply and writes status when the Deployments are
// available.
//
// It is a generous yardstick: it prunes nothing, gates nothing, manages no topics and validates nothing, and its client
// has no rate limit. By default it applies only when the generation changes, so it corrects no drift either. With
// --correct-drift it does so in the usual way: it watches every kind it owns and applies everything whenever one of its
// objects changes. The objects come from a template the harness renders with the product's own builders, so all send the
// same bytes but for names.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

const fieldOwner = client.FieldOwner("bench-peer")

var todoChatbot = schema.GroupVersionKind{Group: "todochatbot.dev", Version: "v1alpha1", Kind: "TodoChatbot"}

// A template is a JSON array of objects in which these words stand for what differs between resources.
type templateMarks struct {
	Name, Namespace, UID string
	// A number that stands for spec.services.chatApi.replicas.
	Replicas int
}

type reconciler struct {
	client.Client
	template     []byte
	marks        templateMarks
	correctDrift bool
	// Generation last applied, by uid. The cache may still show the status before our own write.
	applied sync.Map
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	bot := &unstructured.Unstructured{}
	bot.SetGroupVersionKind(todoChatbot)
	if err := r.Get(ctx, request.NamespacedName, bot); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if generation, _ := r.applied.Load(bot.GetUID()); r.correctDrift || generation != bot.GetGeneration() {
		objects, err := r.render(bot)
		if err != nil {
			return ctrl.Result{}, err
		}
		for _, object := range objects {
			if err := r.Patch(ctx, object, client.Apply, fieldOwner, client.ForceOwnership); err != nil {
				return ctrl.Result{}, fmt.Errorf("apply %s %s: %w", object.GetKind(), object.GetName(), err)
			}
		}
		r.applied.Store(bot.GetUID(), bot.GetGeneration())
	}
	return ctrl.Result{}, r.writeStatus(ctx, bot)
}

// render fills the template with the names of a resource and its wanted replicas.
func (r *reconciler) render(bot *unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	replicas, found, _ := unstructured.NestedInt64(bot.Object, "spec", "services", "chatApi", "replicas")
	if !found {
		replicas = 1
	}
	rendered := r.template
	for from, to := range map[string]string{
		r.marks.Namespace: bot.GetNamespace(),
		r.marks.Name:      bot.GetName(),
		r.marks.UID:       string(bot.GetUID()),
		`"replicas":` + strconv.Itoa(r.marks.Replicas): `"replicas":` + strconv.FormatInt(replicas, 10),
	} {
		rendered = bytes.ReplaceAll(rendered, []byte(from), []byte(to))
	}
	var contents []map[string]any
	if err := json.Unmarshal(rendered, &contents); err != nil {
		return nil, err
	}
	objects := make([]*unstructured.Unstructured, 0, len(contents))
	for _, content := range contents {
		objects = append(objects, &unstructured.Unstructured{Object: content})
	}
	return objects, nil
}

func (r *reconciler) writeStatus(ctx context.Context, bot *unstructured.Unstructured) error {
	deployments := &appsv1.DeploymentList{}
	selector := client.MatchingLabels{"app.kubernetes.io/instance": bot.GetName()}
	if err := r.List(ctx, deployments, client.InNamespace(bot.GetNamespace()), selector); err != nil {
		return err
	}
	status, reason := "True", "Available"
	for _, deployment := range deployments.Items {
		if !available(&deployment) {
			status, reason = "False", "DeploymentsNotAvailable"
		}
	}
	conditions, _, _ := unstructured.NestedSlice(bot.Object, "status", "conditions")
	observed, _, _ := unstructured.NestedInt64(bot.Object, "status", "observedGeneration")
	if observed == bot.GetGeneration() && len(conditions) == 1 {
		if now, ok := conditions[0].(map[string]any); ok && now["status"] == status {
			return nil
		}
	}
	before := bot.DeepCopy()
	if err := unstructured.SetNestedMap(bot.Object, map[string]any{
		"observedGeneration": bot.GetGeneration(),
		"conditions": []any{map[string]any{
			"type": "Ready", "status": status, "reason": reason, "message": "",
			"observedGeneration": bot.GetGeneration(), "lastTransitionTime": bot.GetCreationTimestamp().UTC().Format("2006-01-02T15:04:05Z"),
		}},
	}, "status"); err != nil {
		return err
	}
	return r.Status().Patch(ctx, bot, client.MergeFrom(before))
}

func available(deployment *appsv1.Deployment) bool {
	if deployment.Status.ObservedGeneration < deployment.Generation {
		return false
	}
	for _, condition := range deployment.Status.Conditions {
		if condition.Type == appsv1.DeploymentAvailable {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// kindsBesideDeployments lists each kind of the template once; Deployments are watched whole, for the status.
func kindsBesideDeployments(template []byte) ([]schema.GroupVersionKind, error) {
	var objects []metav1.TypeMeta
	if err := json.Unmarshal(template, &objects); err != nil {
		return nil, err
	}
	seen := map[schema.GroupVersionKind]bool{appsv1.SchemeGroupVersion.WithKind("Deployment"): true}
	var kinds []schema.GroupVersionKind
	for _, object := range objects {
		if kind := object.GroupVersionKind(); !seen[kind] {
			seen[kind] = true
			kinds = append(kinds, kind)
		}
	}
	return kinds, nil
}

func run() error {
	kubeconfig := flag.String("api-kubeconfig", "", "path of the kubeconfig")
	template := flag.String("template", "", "path of the JSON array of objects")
	concurrency := flag.Int("concurrency", 32, "reconciles in flight")
	correctDrift := flag.Bool("correct-drift", false, "watch every kind and apply everything when an object changes")
	marks := templateMarks{}
	flag.StringVar(&marks.Name, "name", "", "what stands for the resource's name")
	flag.StringVar(&marks.Namespace, "namespace", "", "what stands for the namespace")
	flag.StringVar(&marks.UID, "uid", "", "what stands for the resource's uid")
	flag.IntVar(&marks.Replicas, "replicas", 0, "what stands for the replicas of chat-api")
	flag.Parse()

	ctrl.SetLogger(zap.New(zap.UseDevMode(false)))
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.UserAgent = -1, "bench-peer"
	content, err := os.ReadFile(*template)
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return err
	}
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme,
		Metrics: server.Options{BindAddress: "0"},
		Client:  client.Options{Cache: &client.CacheOptions{Unstructured: true}},
	})
	if err != nil {
		return err
	}
	resource := &unstructured.Unstructured{}
	resource.SetGroupVersionKind(todoChatbot)
	operator := ctrl.NewControllerManagedBy(manager).
		For(resource, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Owns(&appsv1.Deployment{})
	if *correctDrift {
		others, err := kindsBesideDeployments(content)
		if err != nil {
			return err
		}
		for _, kind := range others {
			owned := &metav1.PartialObjectMetadata{}
			owned.SetGroupVersionKind(kind)
			operator = operator.Owns(owned, builder.OnlyMetadata)
		}
	}
	err = operator.
		WithOptions(controller.Options{MaxConcurrentReconciles: *concurrency}).
		Named("todochatbot").
		Complete(&reconciler{Client: manager.GetClient(), template: content, marks: marks, correctDrift: *correctDrift})
	if err != nil {
		return err
	}
	return manager.Start(ctrl.SetupSignalHandler())
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
