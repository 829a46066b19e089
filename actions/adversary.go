package actions

// Adversary is somebody else who writes the fields that a step changes, and
// may change them back: an autoscaler, a GitOps controller, an operator.
type Adversary struct {
	Controller string   `json:"controller"`        // "HorizontalPodAutoscaler", "Argo CD", "Flux", "Helm"
	Object     string   `json:"object"`            // what makes it act: "horizontalpodautoscaler/app"
	Fights     []string `json:"fights,omitempty"`  // fields of the step that it writes; empty when it may write any
	Effect     string   `json:"effect"`            // what it will do, in words
	Remedy     string   `json:"remedy,omitempty"`  // what to do about it: a step, or a command
	Suspends   bool     `json:"suspends,omitzero"` // whether k8s.suspend can hold it
}
