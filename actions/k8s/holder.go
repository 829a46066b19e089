package k8s

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// holder is a controller that can be held by fields of one object.
type holder struct {
	kind       kind
	controller string
	stops      []stop
	until      string // when it may go on
	note       string // what holding it does not do
}

// title names the object with its controller, once where both have one name.
func (h holder) title(object string) string {
	if strings.EqualFold(h.kind.Name, h.controller) {
		return object
	}
	return h.controller + " " + object
}

// stop is a field that holds a controller, and the value that does.
type stop struct {
	at    path
	value any
}

// gitAgrees: a GitOps controller applies what Git says the moment it goes on.
const gitAgrees = "Git says the same as the cluster: otherwise the bad version comes back"

// holderOf gives what holds a controller. The names are those of the inputs.
func holderOf(name string) holder {
	suspend := []stop{{path{"spec", "suspend"}, true}}
	switch name {
	case "argocd":
		// enabled: false switches automated sync off and leaves prune and
		// selfHeal as they are set (argo-cd.readthedocs.io, "Automated Sync
		// Policy"). Versions of Argo CD without the field refuse the write,
		// because unknown fields are not let through.
		return holder{applications, "Argo CD", []stop{{path{"spec", "syncPolicy", "automated", "enabled"}, false}}, gitAgrees,
			"a sync that runs already goes on, and one by hand is still possible"}
	case "flux-kustomization": // fluxcd.io, Kustomization, "Suspend"
		return holder{kustomizations, "Flux", suspend, gitAgrees, "a reconciliation that runs already goes on"}
	case "flux-helmrelease": // fluxcd.io, HelmRelease, "Suspend"
		return holder{helmReleases, "Flux", suspend, gitAgrees, "a reconciliation that runs already goes on"}
	case "keda": // keda.sh, "Pausing autoscaling"
		return holder{scaledObjects, "KEDA", []stop{{annotation(kedaPausedFlag), "true"}}, "the load may set the number of pods again",
			"KEDA takes its autoscaler away meanwhile; the number of pods stays as it is"}
	case "flagger": // fluxcd/flagger pkg/controller/scheduler.go, advanceCanary
		return holder{canaries, "Flagger", suspend, "the release that it would go on with is not the bad one", "traffic stays divided as it is"}
	}
	// selectPolicy Disabled disables the scaling in its direction
	// (k8s.io/api/autoscaling/v2, DisabledPolicySelect).
	off := func(direction string) stop {
		return stop{path{"spec", "behavior", direction, "selectPolicy"}, "Disabled"} //nolint:misspell // the name of the field
	}
	return holder{autoscalers, autoscalerName, []stop{off("scaleUp"), off("scaleDown")}, "the load may set the number of pods again",
		"its bounds stay in force: a number of pods outside of them is still corrected"}
}

// holds says whether all fields at or below a path hold the controller, and
// whether there are any.
func (h holder) holds(obj *object, below path) bool {
	found := false
	for _, s := range h.stops {
		if len(s.at) < len(below) || !slices.Equal(s.at[:len(below)], below) {
			continue
		}
		found = true
		if !same(lookup(obj.Object, s.at), s.value) {
			return false
		}
	}
	return found
}

// idle says why there is nothing to hold, or "".
func (h holder) idle(obj *object) string {
	switch {
	case h.kind.is(applications):
		return argoQuiet(obj)
	case h.kind.is(scaledObjects) && kedaPaused(obj.GetAnnotations()), h.holds(obj, nil):
		return "is suspended already"
	}
	return ""
}

// appSetOf gives the name of the ApplicationSet that writes an application.
func appSetOf(app *object) string {
	if o := metav1.GetControllerOf(app); o != nil && o.Kind == "ApplicationSet" {
		return o.Name
	}
	return ""
}
