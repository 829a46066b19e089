package k8s

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/runbackhq/runback/actions"
)

// managers looks for reconcilers that wrote the fields last and left no other
// trace that was found.
func (q *contest) managers(context.Context) error {
	fights := map[string][]string{}
	var order []string
	for _, p := range q.touched {
		for _, m := range q.owners(p) {
			controller := reconciler(m)
			if controller == "" || q.known[controller] {
				continue
			}
			if fights[m] == nil {
				order = append(order, m)
			}
			fights[m] = append(fights[m], p)
		}
	}
	for _, m := range order {
		q.found = append(q.found, actions.Adversary{Controller: reconciler(m), Object: "manager " + m, Fights: fights[m],
			Effect: "wrote it last and may write it again", Remedy: "find out what drives " + m + ", and hold it before"})
	}
	return nil
}

// reconciler gives whose name a field manager is, if it is known to write again
// and again by itself.
func reconciler(manager string) string {
	switch manager {
	case "argocd-controller", "argocd-application-controller":
		return "Argo CD"
	case "kustomize-controller", "helm-controller":
		return "Flux"
	case "helm", "Helm":
		return "Helm"
	case "flagger":
		return "Flagger"
	case "keda-operator", "keda":
		return "KEDA"
	case "fleet-agent", "fleetagent":
		return "Rancher Fleet"
	case "configsync", "config-sync":
		return "Config Sync"
	}
	return ""
}

// owners gives the field managers that set a field.
func (q *contest) owners(shown string) []string {
	p, err := parseDotted(shown)
	if err != nil {
		return nil
	}
	var out []string
	for _, entry := range q.live.GetManagedFields() {
		var fields map[string]any
		if entry.Subresource == "status" || entry.FieldsV1 == nil || decode(entry.FieldsV1.GetRawBytes(), &fields) != nil {
			continue
		}
		if ownsPath(fields, p) && !slices.Contains(out, entry.Manager) {
			out = append(out, entry.Manager)
		}
	}
	return out
}

// ownsPath walks fieldsV1, where f:NAME is a field and k:{...} the item of a
// list with those keys. Who owns a map or list as a whole owns what is in it.
func ownsPath(fields map[string]any, p path) bool {
	for _, segment := range p {
		next, ok := fields["f:"+segment].(map[string]any)
		for key, v := range fields {
			if item, isItem := strings.CutPrefix(key, "k:"); !ok && isItem {
				var keys map[string]any
				if json.Unmarshal([]byte(item), &keys) == nil && keys["name"] == segment {
					next, ok = v.(map[string]any)
				}
			}
		}
		if !ok {
			return len(fields) == 0
		}
		fields = next
	}
	return true
}

// gitFights gives the touched fields that one of some managers writes, by what
// the object remembers of them; none means that any may be. A field that a
// person wrote last counts: what Git says of it cannot be seen. When it is known
// that none is written there is no fight, and a note says so.
func (q *contest) gitFights(controller, what string, managers ...string) (fights []string, fighting bool) {
	applied, known := q.lastApplied()
	for _, entry := range q.live.GetManagedFields() {
		known = known || slices.Contains(managers, entry.Manager)
	}
	if !known {
		return nil, true
	}
	for _, p := range q.touched {
		if q.writes(p, applied, managers) {
			fights = append(fights, p)
		}
	}
	if len(fights) == 0 {
		q.quiet(controller, controller+" "+what+" manages it and is not seen to write these fields")
	}
	return fights, len(fights) > 0
}

func (q *contest) writes(shown string, applied map[string]any, managers []string) bool {
	if p, err := parseDotted(shown); err == nil && applied != nil {
		if at, err := locate(applied, p); err == nil && lookup(applied, at) != nil {
			return true
		}
	}
	return slices.ContainsFunc(q.owners(shown), func(m string) bool {
		return slices.Contains(managers, m) || (reconciler(m) == "" && !strings.HasPrefix(m, "kube-"))
	})
}

// lastApplied gives what a client-side apply, that of Argo CD included, sent
// last.
func (q *contest) lastApplied() (map[string]any, bool) {
	text := q.live.GetAnnotations()["kubectl.kubernetes.io/last-applied-configuration"]
	var v any
	if text == "" || decode([]byte(text), &v) != nil {
		return nil, false
	}
	m, ok := v.(map[string]any)
	return m, ok
}
