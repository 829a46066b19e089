package k8s

import (
	"context"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

const (
	argoTracking = "argocd.argoproj.io/tracking-id"
	argoSkip     = "argocd.argoproj.io/skip-reconcile"
	// argoNamespace is where Argo CD and its applications are installed
	// unless somebody chose another place.
	argoNamespace = "argocd"
)

// argo looks for an application of Argo CD. The annotation proves it; the
// label, by which older versions track, is set by many others too, so there
// the application itself must list the object.
func (q *contest) argo(ctx context.Context) error {
	namespace, name, tracked := q.argoTracked()
	if !tracked {
		for _, label := range []string{"argocd.argoproj.io/instance", "app.kubernetes.io/instance"} {
			if name == "" {
				name = q.live.GetLabels()[label]
			}
		}
	}
	if name == "" {
		return nil
	}
	apps, seen, err := q.argoApplications(ctx, namespace, name)
	if err != nil {
		return err
	}
	found := false
	for i := range apps {
		if tracked || q.argoLists(&apps[i]) {
			q.argoFights(&apps[i])
			found = true
		}
	}
	if found || !tracked {
		return nil
	}
	effect := "syncs it from Git; whether by itself could not be read"
	if seen {
		effect = "syncs it from Git; its application is not in this cluster, so whether by itself cannot be seen"
	}
	if fights, fighting := q.gitFights("Argo CD", q.label(applications, namespace, name), argoManagers()...); fighting {
		q.add(actions.Adversary{Controller: "Argo CD", Object: q.label(applications, namespace, name), Fights: fights,
			Effect: effect, Remedy: "see that automated sync is off before: argocd app get " + name})
	}
	return nil
}

func argoManagers() []string { return []string{"argocd-controller", "argocd-application-controller"} }

// argoTracked reads the tracking annotation: APP:GROUP/KIND:NAMESPACE/NAME, as
// in shop:apps/Deployment:default/app. That of another object was copied and
// counts for nothing, as it does for Argo CD. An application outside of Argo
// CD's own namespace is written NAMESPACE_NAME
// (argo-cd.readthedocs.io, "Resource Tracking", "Applications in any namespace").
func (q *contest) argoTracked() (namespace, name string, ok bool) {
	parts := strings.SplitN(q.live.GetAnnotations()[argoTracking], ":", 3)
	own := q.live.GroupVersionKind()
	if len(parts) != 3 || parts[1] != own.Group+"/"+own.Kind || parts[2] != q.live.GetNamespace()+"/"+q.live.GetName() {
		return "", "", false
	}
	if ns, app, elsewhere := strings.Cut(parts[0], "_"); elsewhere {
		return ns, app, true
	}
	return "", parts[0], true
}

// argoApplications finds applications by their name. Where they live is not
// known: who may not look everywhere looks where they usually are.
func (q *contest) argoApplications(ctx context.Context, namespace, name string) (found []object, seen bool, err error) {
	k, served, err := q.cl.served(ctx, applications)
	if err != nil || !served {
		return nil, err == nil, q.unseen(ctx, k, err)
	}
	if namespace == "" {
		list, err := q.cl.API.Dynamic.Resource(k.gvr()).List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name, Limit: 10})
		if err == nil {
			return list.Items, true, nil
		}
		if !apierrors.IsForbidden(err) {
			return nil, false, q.unseen(ctx, k, err)
		}
		namespace = argoNamespace
	}
	app, seen, err := q.get(ctx, k, namespace, name)
	if err != nil || app == nil {
		return nil, seen, err
	}
	return []object{*app}, true, nil
}

// argoLists says whether an application names the object among its resources.
func (q *contest) argoLists(app *object) bool {
	own := q.live.GroupVersionKind()
	list, _ := lookup(app.Object, path{"status", "resources"}).([]any)
	for _, r := range list {
		m, _ := r.(map[string]any)
		group, _ := m["group"].(string)
		if m["kind"] == own.Kind && group == own.Group && m["name"] == q.live.GetName() && m["namespace"] == q.live.GetNamespace() {
			return true
		}
	}
	return false
}

// argoFights: without selfHeal a change in the cluster is no reason to sync,
// and the next commit is; with it the sync comes after 5 seconds by default
// (argo-cd.readthedocs.io, "Automated Sync Policy").
func (q *contest) argoFights(app *object) {
	name := q.label(applications, app.GetNamespace(), app.GetName())
	if why := argoQuiet(app); why != "" {
		q.quiet("Argo CD", "Argo CD "+name+" "+why+"; a sync by hand sets back what Git says")
		return
	}
	a := actions.Adversary{Controller: "Argo CD", Object: name, Suspends: true,
		Effect: "puts back what Git says at the next commit (self-heal is off)",
		Remedy: q.suspendWith("argocd", app.GetNamespace(), app.GetName())}
	if heal, _ := lookup(app.Object, path{"spec", "syncPolicy", "automated", "selfHeal"}).(bool); heal {
		a.Effect = "puts back what Git says within seconds (self-heal is on)"
	}
	if set := appSetOf(app); set != "" {
		// k8s.suspend looks whether the set would take its edit back.
		a.Remedy += "; its ApplicationSet " + set + " must leave it alone"
	}
	if fights, fighting := q.gitFights("Argo CD", name, argoManagers()...); fighting {
		a.Fights = fights
		q.add(a)
	}
}

// argoQuiet says why an application does not sync by itself, or "".
func argoQuiet(app *object) string {
	automated, _ := lookup(app.Object, path{"spec", "syncPolicy", "automated"}).(map[string]any)
	switch {
	case app.GetAnnotations()[argoSkip] == "true":
		return "is not reconciled (" + argoSkip + ")"
	case automated == nil:
		return "does not sync by itself"
	case automated["enabled"] == false:
		return "has its automated sync switched off"
	}
	return ""
}
