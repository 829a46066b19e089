package k8s

import (
	"context"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pod"
)

// Bounds of the evidence that one step gathers, since all of it goes into the
// journal.
const (
	mostPods  = 10
	mostBytes = 64 << 10
)

type logsIn struct {
	Deployment  string `json:"deployment,omitempty" doc:"name of a Deployment whose pods to read; one of deployment, statefulset, daemonset, selector and pod is needed"`
	StatefulSet string `json:"statefulset,omitempty" doc:"name of a StatefulSet whose pods to read"`
	DaemonSet   string `json:"daemonset,omitempty" doc:"name of a DaemonSet whose pods to read"`
	Selector    string `json:"selector,omitempty" doc:"label selector of the pods to read, as in app=myapp,version=canary"`
	Pod         string `json:"pod,omitempty" doc:"name of one pod to read"`
	Container   string `json:"container,omitempty" doc:"name of the container; without it all are read"`
	Tail        int    `json:"tail" default:"50" minimum:"1" maximum:"10000" doc:"number of lines from the end of each log"`
	Contains    string `json:"contains,omitempty" doc:"keep only those of the lines that contain this text, as grep does; capitals and small letters differ"`
	Previous    bool   `json:"previous" default:"true" doc:"whether to read the log of the run before, too, where a container was restarted"`
}

type logsOut struct {
	Pods    int        `json:"pods" doc:"number of pods read, 10 at most, those with troubles first"`
	Lines   int        `json:"lines" doc:"number of lines read; 0 means that nothing was logged or read, not that nothing is wrong"`
	Matched *int       `json:"matched" doc:"number of lines that contain the text; unknown when no text was asked for, when nothing was read, or when a log could not be read"`
	Bytes   int        `json:"bytes" doc:"number of bytes kept, 64 KiB at most"`
	Entries []logEntry `json:"entries" doc:"logs, one for each container and run of it"`
}

type logEntry struct {
	Pod       string `json:"pod" doc:"name of the pod"`
	UID       string `json:"uid" doc:"UID of the pod"`
	Node      string `json:"node" doc:"name of the node"`
	Hash      string `json:"hash" doc:"pod-template hash of the pod"`
	Container string `json:"container" doc:"name of the container"`
	Previous  bool   `json:"previous" doc:"whether it is the log of the run before"`
	Restarts  int    `json:"restarts" doc:"number of restarts of the container"`
	Text      string `json:"text" doc:"end of the log"`
	Truncated bool   `json:"truncated" doc:"whether the text was cut at its beginning to keep within bounds"`
	Error     string `json:"error" doc:"why the log could not be read, as when the node does not answer"`
}

type logs struct{ family }

func logsAction(f family) actions.Action {
	return actions.Define(actions.Def[logsIn, struct{}, logsOut]{
		Name:    "k8s.logs",
		Summary: "Keep the last lines of pods' logs as evidence, before the pods and their logs are gone.",
		Effect:  actions.Observe,
		Run:     logs{f}.run,
		Tell:    tellLogs,
		Examples: []actions.Example{
			{Title: "Keep the canary's logs before it is scaled down", YAML: "uses: k8s.logs\nwith: {deployment: app-canary, tail: 100}\non_failure: continue"},
			{Title: "Read pods by their labels", YAML: "uses: k8s.logs\nwith: {selector: \"app=myapp\", container: app}"},
			{Title: "See what they say of the database", YAML: "uses: k8s.logs\nwith: {deployment: app-stable, tail: 1000, contains: database}"},
		},
	})
}

func (a logs) run(ctx context.Context, c *actions.Call, in logsIn, _ struct{}) (logsOut, error) {
	out := logsOut{Entries: []logEntry{}}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return out, err
	}
	pods, err := cl.Pods().Pods(ctx, pod.Choice{
		Deployment: in.Deployment, StatefulSet: in.StatefulSet, DaemonSet: in.DaemonSet, Selector: in.Selector, Pod: in.Pod,
	})
	if err != nil {
		return out, err
	}
	troubledFirst(pods)
	pods = pods[:min(len(pods), mostPods)]
	sources := in.sources(pods)
	for i, s := range sources {
		// What earlier logs left over is there for the later ones.
		s.read(ctx, cl, in, (mostBytes-out.Bytes)/(len(sources)-i))
		if ctx.Err() != nil {
			return out, actions.Cause(ctx, ctx.Err())
		}
		out.add(s)
	}
	out.Pods = len(pods)
	out.match(in.Contains, sources)
	return out, nil
}
