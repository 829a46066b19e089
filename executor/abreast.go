package executor

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/runbackhq/runback/internal/journal"
)

// maxAbreast bounds what goes on side by side when nobody says.
const maxAbreast = 64

// abreast runs nodes side by side, as many at once as there are places. When
// one fails or a stop is asked for, no other one begins; those that began end
// as they would, because to break one off in the middle makes two troubles of
// one. What had begun before a crash goes in always: its effect may have to be
// asked of the world.
func (s *session) abreast(ctx context.Context, nodes []*Node, places int) outcome {
	var (
		outs  = make([]outcome, len(nodes))
		place = make(chan struct{}, min(places, maxAbreast))
		halt  atomic.Bool
		wg    sync.WaitGroup
		// What breaks the executor breaks the whole of it, not one step.
		broken atomic.Pointer[any]
	)
	ctx, abandon := context.WithCancel(ctx)
	defer abandon()
	for _, i := range s.begunFirst(nodes) {
		place <- struct{}{}
		n := nodes[i]
		if s.known(n) == nil {
			if out, stop := s.halts(ctx, n); stop || halt.Load() {
				if !stop {
					out = outcome{status: journal.Skip}
				}
				outs[i] = out
				<-place
				continue
			}
		}
		wg.Go(func() {
			defer func() {
				if b := recovered(recover()); b != nil {
					broken.CompareAndSwap(nil, b)
					abandon()
				}
				<-place
			}()
			outs[i] = s.node(ctx, n)
			if stops(outs[i], n) {
				halt.Store(true)
			}
		})
	}
	wg.Wait()
	if b := broken.Load(); b != nil {
		panic(*b)
	}
	return decisive(outs, nodes)
}

func recovered(p any) *any {
	if p == nil {
		return nil
	}
	return &p
}

func (s *session) begunFirst(nodes []*Node) []int {
	var begun, rest []int
	for i, n := range nodes {
		if s.known(n) != nil {
			begun = append(begun, i)
			continue
		}
		rest = append(rest, i)
	}
	return append(begun, rest...)
}

// stops says whether what follows a node is not done.
func stops(o outcome, n *Node) bool {
	return isNotDurable(o.err) || !o.ok() && (o.status != journal.FailedRun || n.Step.OnFailure != "continue")
}

// decisive gives the outcome that decides how steps side by side came out: what
// needs a person or a resume before what is over, and of equals the first.
func decisive(outs []outcome, nodes []*Node) outcome {
	best := outcome{status: journal.Succeeded}
	for i, o := range outs {
		if stops(o, nodes[i]) && gravity(o) > gravity(best) {
			best = o
		}
	}
	return best
}

func gravity(o outcome) int {
	if isNotDurable(o.err) {
		return 10
	}
	return slices.Index([]journal.Status{journal.Succeeded, journal.Refused, journal.FailedRun, journal.OverBudget, journal.Aborted, journal.Cancelled, journal.InDoubt}, o.status)
}
