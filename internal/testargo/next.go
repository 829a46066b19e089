package testargo

import "strconv"

// next gives the status after one look. What is done in which order is that of
// argo-rollouts 1.9, rollout/canary.go (syncRolloutStatusCanary).
func (v view) next() status {
	s := v.status
	s.ObservedGeneration, s.CurrentPodHash = strconv.FormatInt(v.generation, 10), v.hash
	end := len(v.steps)
	switch {
	case v.hash != v.CurrentPodHash: // another template: whatever was asked of the last one is void
		s.forget()
		s.CurrentStepIndex = new(0)
		if v.hash == s.StableRS {
			s.CurrentStepIndex = &end // back to stable, the steps are skipped
		}
	case v.PromoteFull:
		s.Abort, s.AbortedAt, s.PauseConditions, s.ControllerPause = false, "", nil, false
		if v.available[v.hash] >= v.desired {
			s.promote(end)
		}
	case v.Abort:
		s.abort(end)
	case v.hash == s.StableRS:
		s.promote(end)
	default:
		v.walk(&s)
	}
	v.share(&s)
	s.Phase, s.Message = v.phase(s)
	return s
}

func (s *status) forget() {
	s.Abort, s.AbortedAt, s.PromoteFull = false, "", false
	s.PauseConditions, s.ControllerPause = nil, false
}

func (s *status) promote(end int) {
	s.forget()
	s.StableRS, s.CurrentStepIndex = s.CurrentPodHash, &end
}

// abort keeps the first time of it, or the status would never settle.
func (s *status) abort(end int) {
	if s.AbortedAt == "" {
		s.AbortedAt = now()
	}
	s.PauseConditions, s.ControllerPause = nil, false
	if s.CurrentStepIndex = new(0); s.CurrentPodHash == s.StableRS {
		s.CurrentStepIndex = &end
	}
}

// walk goes on by a step when the present one is done. A pause is entered once;
// one that was entered and is no more in the list was ended by somebody.
func (v view) walk(s *status) {
	at := 0
	if v.CurrentStepIndex != nil {
		at = *v.CurrentStepIndex
	}
	s.CurrentStepIndex = &at
	switch {
	case v.held:
	case at >= len(v.steps):
		if v.available[v.hash] >= v.desired {
			s.promote(len(v.steps))
		}
	case v.steps[at].SetWeight != nil:
		if v.available[v.hash]*100 >= *v.steps[at].SetWeight*v.desired {
			at++
		}
	case len(v.PauseConditions) > 0:
	case v.ControllerPause:
		at++
		s.ControllerPause = false
	default:
		s.PauseConditions, s.ControllerPause = []pause{{"CanaryPauseStep", now()}}, true
	}
}

// share gives the canary its weight, as far as both sides can carry theirs
// (rollout/trafficrouting.go, reconcileTrafficRouting).
func (v view) share(s *status) {
	weight := 0
	if s.CurrentPodHash != s.StableRS && !s.Abort && v.available[v.hash] > 0 {
		for i := 0; i < len(v.steps) && i <= *s.CurrentStepIndex; i++ {
			if v.steps[i].SetWeight != nil {
				weight = *v.steps[i].SetWeight
			}
		}
	}
	if v.available[s.StableRS] < (100-weight)*v.desired/100 {
		return
	}
	s.Canary.Weights = &weights{
		Canary: destination{v.hash, v.canary, weight},
		Stable: destination{s.StableRS, v.stable, 100 - weight},
	}
}

// phase is in the words of utils/rollout/rolloututil.go.
func (v view) phase(s status) (phase, message string) {
	switch {
	case s.Abort:
		return "Degraded", "RolloutAborted: Rollout aborted update"
	case v.held:
		return "Paused", "manually paused"
	case len(s.PauseConditions) > 0:
		return "Paused", s.PauseConditions[0].Reason
	case s.CurrentPodHash != s.StableRS:
		return "Progressing", "waiting for all steps to complete"
	default:
		return "Healthy", ""
	}
}
