package k8s

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pod"
	"github.com/runbackhq/runback/schema"
)

type topIn struct {
	Of          string          `json:"of" enum:"nodes|pods" doc:"nodes of the cluster, or pods of the namespace"`
	Deployment  string          `json:"deployment,omitempty" doc:"name of a Deployment, of which the pods are measured; without any of these all pods are"`
	StatefulSet string          `json:"statefulset,omitempty" doc:"name of a StatefulSet, of which the pods are measured"`
	DaemonSet   string          `json:"daemonset,omitempty" doc:"name of a DaemonSet, of which the pods are measured"`
	Selector    string          `json:"selector,omitempty" doc:"label selector of the pods or nodes"`
	Above       schema.Share    `json:"above" default:"0.9" doc:"share of what it may use (a node of what it can give, a pod of its limit) from which one is listed in over"`
	MaxAge      schema.Duration `json:"max_age" default:"2m" doc:"how old a sample may be; the usage of an older one is unknown. A metrics server takes one every 15 to 60 s"`
}

type topOut struct {
	Available bool      `json:"available" doc:"whether the cluster has a metrics API; without one everything is unknown"`
	Items     []usage   `json:"items" doc:"nodes or pods by their name, 200 at most"`
	Over      *[]string `json:"over" doc:"names of those that use at least the share above of their cpu or memory; unknown when none is seen to and not complete"`
	Silent    []string  `json:"silent" doc:"names of those without a sample, or with one that is too old: of a pod that crashes or just began there is none"`
	Complete  bool      `json:"complete" doc:"whether there is a fresh sample of each"`
	CPU       *float64  `json:"highest_cpu" doc:"highest share of cpu that any uses, 0 to 1; unknown unless complete, and where nothing bounds it"`
	Memory    *float64  `json:"highest_memory" doc:"highest share of memory that any uses, in the same way"`
	Oldest    *int      `json:"oldest_sample_s" doc:"age of the oldest sample in seconds, by the clock of the API server; unknown when there is none"`
}

// usage is what one node or pod uses. What was not measured is unknown, never 0.
type usage struct {
	Name     string   `json:"name" doc:"name of the node or pod"`
	Node     string   `json:"node" doc:"node that the pod runs on"`
	CPU      *int     `json:"cpu_m" doc:"cpu in thousandths of a core; unknown without a fresh sample"`
	Memory   *int     `json:"memory_mib" doc:"memory in MiB; unknown without a fresh sample"`
	CPUOf    *float64 `json:"cpu_share" doc:"share of the cpu that it may use: of a node what it can give, of a pod its limit; unknown where nothing bounds it"`
	MemoryOf *float64 `json:"memory_share" doc:"share of the memory that it may use, in the same way"`
	CPUReq   *float64 `json:"cpu_of_request" doc:"share of the cpu that the pod asked for, above 1 when it uses more; unknown where it asked for none"`
	MemReq   *float64 `json:"memory_of_request" doc:"share of the memory that the pod asked for"`
	Age      *int     `json:"age_s" doc:"age of the sample in seconds; unknown when there is none"`
	Window   string   `json:"window" doc:"time over which the cpu was measured"`
}

type top struct{ family }

func topAction(f family) actions.Action {
	return actions.Define(actions.Def[topIn, struct{}, topOut]{
		Name:    "k8s.top",
		Summary: "Tell what nodes or pods use of what they may use; without a metrics API, or with an old sample, that is unknown and not 0.",
		Effect:  actions.Observe,
		Run:     top{f}.run,
		Tell:    tellTop,
		Examples: []actions.Example{
			{Title: "See that no node is full", YAML: "uses: k8s.top\nwith: {of: nodes}\nexpect: len(outputs.over) == 0"},
			{Title: "See what the pods use", YAML: "uses: k8s.top\nwith: {of: pods}"},
		},
	})
}

func (a top) run(ctx context.Context, c *actions.Call, in topIn, _ struct{}) (topOut, error) {
	out := topOut{Items: []usage{}, Silent: []string{}}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return out, err
	}
	choice := pod.Choice{Deployment: in.Deployment, StatefulSet: in.StatefulSet, DaemonSet: in.DaemonSet, Selector: in.Selector}
	if in.Of == "nodes" && in.Deployment+in.StatefulSet+in.DaemonSet != "" {
		return out, actions.Invalid("use of: pods, or a selector of nodes", "nodes belong to no workload")
	}
	meters, err := cl.meters(ctx, in.Of, choice)
	if err != nil {
		return out, err
	}
	var samples map[string]measured
	if samples, out.Available, err = cl.samples(ctx, in.Of); err != nil {
		return out, err
	}
	now, err := cl.now(ctx)
	if err != nil {
		return out, err
	}
	for _, m := range meters {
		out.add(m.read(samples, now, in.MaxAge.Std()), in)
	}
	out.conclude()
	return out, nil
}

func (out *topOut) add(u usage, in topIn) {
	out.Items = append(out.Items, u)
	if u.CPU == nil {
		out.Silent = append(out.Silent, u.Name)
	}
	if u.Age != nil && (out.Oldest == nil || *u.Age > *out.Oldest) {
		out.Oldest = u.Age
	}
	for _, share := range []*float64{u.CPUOf, u.MemoryOf} {
		if share != nil && *share >= float64(in.Above) {
			if out.Over == nil {
				out.Over = &[]string{}
			}
			*out.Over = append(*out.Over, u.Name)
			break
		}
	}
}

// conclude tells the highest only where all are known: of the one that is not
// known nobody can say that it is lower.
func (out *topOut) conclude() {
	out.Complete = len(out.Silent) == 0 && len(out.Items) > 0
	if out.Complete {
		out.CPU = highest(out.Items, func(u usage) *float64 { return u.CPUOf })
		out.Memory = highest(out.Items, func(u usage) *float64 { return u.MemoryOf })
		if out.Over == nil {
			out.Over = &[]string{}
		}
	}
	out.Items = out.Items[:min(len(out.Items), mostItems)]
}

func highest(items []usage, of func(usage) *float64) *float64 {
	var most *float64
	for _, u := range items {
		if v := of(u); v != nil && (most == nil || *v > *most) {
			most = v
		}
	}
	return most
}

func tellTop(o topOut) string {
	if !o.Available {
		return "unknown: this cluster has no metrics API (is metrics-server installed?)"
	}
	var parts []string
	byUse := slices.Clone(o.Items)
	slices.SortStableFunc(byUse, func(a, b usage) int { return amount(b.CPU) - amount(a.CPU) })
	for _, u := range byUse[:min(len(byUse), 3)] {
		if u.CPU != nil {
			parts = append(parts, fmt.Sprintf("%s %dm cpu%s, %d MiB%s", u.Name, *u.CPU, inPercent(u.CPUOf), amount(u.Memory), inPercent(u.MemoryOf)))
		}
	}
	if n := len(o.Items) - len(parts) - len(o.Silent); n > 0 {
		parts = append(parts, fmt.Sprintf("%d more", n))
	}
	if o.Over != nil && len(*o.Over) > 0 {
		parts = append(parts, "FULL: "+strings.Join(*o.Over, ", "))
	}
	if len(o.Silent) > 0 {
		parts = append(parts, fmt.Sprintf("unknown of %d: %s", len(o.Silent), strings.Join(o.Silent[:min(len(o.Silent), 3)], ", ")))
	}
	if len(parts) == 0 {
		return "there are none"
	}
	return strings.Join(parts, "; ")
}

func amount(n *int) int {
	if n == nil {
		return -1
	}
	return *n
}

func inPercent(share *float64) string {
	if share == nil {
		return ""
	}
	return fmt.Sprintf(" (%.0f%%)", *share*100)
}

// fresh says whether a sample tells of now.
func fresh(now, at time.Time, most time.Duration) bool { return now.Sub(at) <= most }
