package k8s

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestBudgetsHoldBack(t *testing.T) {
	always := policyv1.AlwaysAllow
	is := func(ready corev1.ConditionStatus, phase corev1.PodPhase) corev1.Pod {
		return corev1.Pod{Status: corev1.PodStatus{Phase: phase, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}}}
	}
	good, bad, waiting := is("True", "Running"), is("False", "Running"), is("False", "Pending")
	for name, c := range map[string]struct {
		pods             []corev1.Pod
		allowed, healthy int32
		policy           *policyv1.UnhealthyPodEvictionPolicyType
		want             int
	}{
		"each uses one up":                        {[]corev1.Pod{good, good, good}, 1, 3, nil, 2},
		"enough for all":                          {[]corev1.Pod{good, good}, 2, 4, nil, 0},
		"one that never ran is free":              {[]corev1.Pod{waiting, good}, 1, 3, nil, 0},
		"a broken one is free while enough stand": {[]corev1.Pod{bad, good}, 1, 2, nil, 0},
		"a broken one may be held for ever":       {[]corev1.Pod{bad, bad}, 0, 1, nil, 2},
		"unless the policy says otherwise":        {[]corev1.Pod{bad, bad}, 0, 1, &always, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "b"},
				Spec:   policyv1.PodDisruptionBudgetSpec{UnhealthyPodEvictionPolicy: c.policy},
				Status: policyv1.PodDisruptionBudgetStatus{DisruptionsAllowed: c.allowed, CurrentHealthy: c.healthy, DesiredHealthy: 2}}
			all := map[string]*policyv1.PodDisruptionBudget{}
			for i := range c.pods {
				c.pods[i].Name = string(rune('a' + i))
				all[c.pods[i].Name] = b
			}
			if got := holdsBack(c.pods, all)["b"]; got != c.want {
				t.Errorf("%d are held back, want %d", got, c.want)
			}
		})
	}
}
