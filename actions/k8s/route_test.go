package k8s

import (
	"fmt"
	"strings"
	"testing"
)

func TestRouteIsTakenByItsGateways(t *testing.T) {
	parent := func(conditions string) string { return `{"controllerName":"gw","conditions":[` + conditions + `]}` }
	cond := func(kind, status string, generation int) string {
		return fmt.Sprintf(`{"type":%q,"status":%q,"observedGeneration":%d,"reason":"R","message":"M"}`, kind, status, generation)
	}
	for name, c := range map[string]struct{ parents, want string }{
		"nobody reports": {``, ""},
		"taken":          {parent(cond("Accepted", "True", 3) + "," + cond("ResolvedRefs", "True", 4)), ""},
		"not seen":       {parent(cond("Accepted", "True", 2) + "," + cond("ResolvedRefs", "True", 3)), "has not seen the change yet"},
		"no references":  {parent(cond("Accepted", "True", 3)), "has not said ResolvedRefs"},
		"not accepted":   {parent(cond("Accepted", "False", 3) + "," + cond("ResolvedRefs", "True", 3)), "says Accepted is False: R: M"},
		"one of two":     {parent(cond("Accepted", "True", 3)+","+cond("ResolvedRefs", "True", 3)) + "," + parent(""), "has not said Accepted"},
	} {
		r, err := (&Cluster{}).asRoute(t.Context(), httpRoutes, objectOf(t, `{"status":{"parents":[`+c.parents+`]}}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := r.notTaken(3); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestWeightThatIsLeftOutIsOne(t *testing.T) {
	r, err := (&Cluster{}).asRoute(t.Context(), httpRoutes, objectOf(t, `{"spec":{"rules":[{"backendRefs":[{"name":"a"},{"name":"b","weight":0},{"name":"c","weight":3}]}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	got := shares(r.weights([]int{0}))
	if got["a"] != 0.25 || got["b"] != 0 || got["c"] != 0.75 {
		t.Errorf("shares: %v", got)
	}
	edits, _ := r.way.edits(r, []int{0}, map[string]int{"a": 0})
	if len(edits) != 1 || edits[0].Before != nil || edits[0].After != 0 {
		t.Errorf("edits: %+v", edits)
	}
}
