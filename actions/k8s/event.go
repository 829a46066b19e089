package k8s

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// event is an event as it is told: several that say the same are one, with the
// number of times.
type event struct {
	Type    string `json:"type" doc:"Normal or Warning"`
	Reason  string `json:"reason" doc:"reason in one word"`
	Message string `json:"message" doc:"what happened, 500 characters at most"`
	Object  string `json:"object" doc:"object that it is about, like pod/app-stable-xxx"`
	Count   int    `json:"count" doc:"how often it happened: the cluster adds up events that say the same"`
	First   string `json:"first" doc:"when it happened first, or was counted first"`
	Last    string `json:"last" doc:"when it happened last"`
	Age     int    `json:"age_s" doc:"seconds since it happened last, by the clock of the API server"`

	at time.Time
}

// mostMessage bounds what is kept of a message.
const mostMessage = 500

// asEvent reads both forms of an event: the old one counts, the new one may be a
// series.
func asEvent(e *corev1.Event, now time.Time) event {
	at := latest(e.LastTimestamp.Time, e.EventTime.Time, e.FirstTimestamp.Time)
	n := max(1, int(e.Count))
	if e.Series != nil {
		n, at = max(n, int(e.Series.Count)), latest(at, e.Series.LastObservedTime.Time)
	}
	if at.IsZero() {
		at = e.CreationTimestamp.Time
	}
	first := e.FirstTimestamp.Time
	if first.IsZero() {
		first = cmp.Or(e.EventTime.Time, at)
	}
	o := e.InvolvedObject
	return event{
		Type: e.Type, Reason: e.Reason, Message: shorten(e.Message, mostMessage), Count: n,
		Object: strings.ToLower(o.Kind) + "/" + o.Name, First: stamp(first), Last: stamp(at), Age: ago(now, at), at: at,
	}
}

func latest(times ...time.Time) time.Time {
	return slices.MaxFunc(times, func(a, b time.Time) int { return a.Compare(b) })
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// shorten cuts a text for people.
func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// newestEventsFirst puts the newest first; of one moment the warnings.
func newestEventsFirst(list []event) {
	slices.SortStableFunc(list, func(a, b event) int {
		return cmp.Or(b.at.Compare(a.at), strings.Compare(b.Type, a.Type), strings.Compare(a.Object, b.Object), strings.Compare(a.Reason, b.Reason))
	})
}

// eventsOf gives the events about objects, by their UID: a name may have been
// used before by an object whose events are still there.
func (cl *Cluster) eventsOf(ctx context.Context, now time.Time, uids ...types.UID) ([]event, error) {
	var out []event
	for _, uid := range uids {
		found, err := cl.listEvents(ctx, cl.Namespace, "involvedObject.uid="+string(uid), now)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	newestEventsFirst(out)
	return out, nil
}

// eventPage is how many events are asked for at a time, and mostEvents bounds
// how many are looked through.
const (
	eventPage  = 500
	mostEvents = 5000
)

func (cl *Cluster) listEvents(ctx context.Context, namespace, fields string, now time.Time) ([]event, error) {
	var out []event
	opts := metav1.ListOptions{FieldSelector: fields, Limit: eventPage}
	for {
		found, err := cl.API.Events(namespace).List(ctx, opts)
		if err != nil {
			return nil, explain(ctx, err, "listing events")
		}
		for i := range found.Items {
			out = append(out, asEvent(&found.Items[i], now))
		}
		if opts.Continue = found.Continue; opts.Continue == "" || len(out) >= mostEvents {
			return out, nil
		}
	}
}
