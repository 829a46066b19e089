package testargo

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/runbackhq/runback/internal/kube"
)

// status are the fields of a Rollout's status that the played controller reads
// and writes.
type status struct {
	ObservedGeneration string  `json:"observedGeneration,omitempty"`
	CurrentPodHash     string  `json:"currentPodHash,omitempty"`
	StableRS           string  `json:"stableRS,omitempty"`
	CurrentStepIndex   *int    `json:"currentStepIndex,omitempty"`
	CurrentStepHash    string  `json:"currentStepHash,omitempty"`
	Abort              bool    `json:"abort,omitempty"`
	AbortedAt          string  `json:"abortedAt,omitempty"`
	PromoteFull        bool    `json:"promoteFull,omitempty"`
	ControllerPause    bool    `json:"controllerPause,omitempty"`
	PauseConditions    []pause `json:"pauseConditions,omitempty"`
	Phase              string  `json:"phase,omitempty"`
	Message            string  `json:"message,omitempty"`
	Canary             struct {
		Weights *weights `json:"weights,omitempty"`
	} `json:"canary,omitzero"`
}

type pause struct {
	Reason    string `json:"reason"`
	StartTime string `json:"startTime"`
}

type weights struct {
	Canary destination `json:"canary"`
	Stable destination `json:"stable"`
}

type destination struct {
	PodTemplateHash string `json:"podTemplateHash,omitempty"`
	ServiceName     string `json:"serviceName,omitempty"`
	Weight          int    `json:"weight"`
}

// step is one of a canary; a pause without an end is all that is played.
type step struct {
	SetWeight *int      `json:"setWeight"`
	Pause     *struct{} `json:"pause"`
}

// view is a Rollout with what it has, as the controller looks at it.
type view struct {
	status
	generation int64
	held       bool // by spec.paused
	desired    int
	hash       string         // of the template
	available  map[string]int // pods by hash
	steps      []step
	stable     string // Services
	canary     string
}

// look takes a Rollout and its ReplicaSets apart. The template's hash is that of
// the ReplicaSet with its image; a new version must have one already.
func look(obj *kube.Object, sets []kube.Object) (v view, err error) {
	var doc struct {
		Spec struct {
			Replicas *int
			Paused   bool
			Strategy struct {
				Canary struct {
					StableService, CanaryService string
					Steps                        []step
				}
			}
		}
		Status status
	}
	text, err := obj.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(text, &doc)
	}
	if err != nil {
		return v, fmt.Errorf("rollout: %w", err)
	}
	canary := doc.Spec.Strategy.Canary
	v = view{status: doc.Status, generation: obj.GetGeneration(), held: doc.Spec.Paused, desired: 1, available: map[string]int{},
		steps: canary.Steps, stable: canary.StableService, canary: canary.CanaryService}
	if doc.Spec.Replicas != nil {
		v.desired = *doc.Spec.Replicas
	}
	for i := range sets {
		hash := sets[i].GetLabels()[HashLabel]
		v.available[hash] = number(&sets[i], "status", "availableReplicas")
		if image(&sets[i]) == image(obj) {
			v.hash = hash
		}
	}
	if v.hash == "" {
		return v, fmt.Errorf("no ReplicaSet has the image %s, and the played controller makes none", image(obj))
	}
	return v, nil
}

func image(obj *kube.Object) string {
	list, _ := kube.At(obj, "spec", "template", "spec", "containers").([]any)
	for _, c := range list {
		first, _ := c.(map[string]any)
		text, _ := first["image"].(string)
		return text
	}
	return ""
}

func now() string { return time.Now().UTC().Format(time.RFC3339) }

// stepHash changes with the steps, as a promotion relies on.
func (v view) stepHash() (string, error) {
	text, err := json.Marshal(v.steps)
	if err != nil {
		return "", err
	}
	h := fnv.New32a()
	_, _ = h.Write(text) // it never fails
	return fmt.Sprint(h.Sum32()), nil
}
