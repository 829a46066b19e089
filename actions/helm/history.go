package helm

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

// history is what is stored of a release, the oldest revision first.
type history []record

func (h history) last() record { return h[len(h)-1] }

func (h history) find(revision int) (record, bool) {
	i := slices.IndexFunc(h, func(r record) bool { return r.Version == revision })
	if i < 0 {
		return record{}, false
	}
	return h[i], true
}

// isRelease: a name goes into an argument list and a label, so it is held to what
// helm itself takes (helm, chart/v2/util/validate_name.go).
func isRelease(name string) bool {
	return len(name) <= 53 && len(content.IsDNS1123Subdomain(name)) == 0
}

// history reads all revisions of a release; none are none.
func (cl Cluster) history(ctx context.Context, release string) (history, error) {
	if !isRelease(release) {
		return nil, actions.Invalid("", "%q is no name of a release", release)
	}
	list, err := cl.API.Secrets(cl.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "owner=helm,name=" + release})
	if err != nil {
		return nil, cl.Explain(ctx, err, "reading release "+release)
	}
	var h history
	for _, s := range list.Items {
		r, err := unpack(s.Data["release"])
		if err != nil {
			return nil, actions.Refuse("look at it; what is not read cannot be judged", "Secret %s: %w", s.Name, err)
		}
		if want := fmt.Sprintf("sh.helm.release.v1.%s.v%d", release, r.Version); s.Name != want {
			return nil, actions.Refuse("", "Secret %s holds what belongs into %s", s.Name, want)
		}
		r.uid = string(s.UID)
		h = append(h, r)
	}
	slices.SortFunc(h, func(a, b record) int { return a.Version - b.Version })
	return h, nil
}

// must gives the history of a release that is there.
func (cl Cluster) must(ctx context.Context, release string) (history, error) {
	h, err := cl.history(ctx, release)
	if err != nil || len(h) > 0 {
		return h, err
	}
	hint := "list them with: helm list -A; releases that helm stores elsewhere than in Secrets cannot be read"
	list, err := cl.API.Secrets(cl.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "owner=helm"})
	if err == nil {
		var names []string
		for _, s := range list.Items {
			names = append(names, s.Labels["name"])
		}
		slices.Sort(names)
		if meant := schema.DidYouMean(release, slices.Compact(names)); meant != "" {
			hint = meant
		}
	}
	return nil, actions.Invalid(hint, "no release %q in namespace %s", release, cl.Namespace)
}
