package k8s

import (
	"encoding/json"

	"github.com/runbackhq/runback/actions"
)

// Annotations that we write or read. None of them is ever put into a pod
// template but restartedBy, whose purpose is to make new pods.
const (
	// receiptAnnotation holds the key of the step that wrote last. It is in
	// the same patch as the change, so one read proves that the change landed.
	receiptAnnotation = "runback.dev/receipt"
	// rolledBackTo and rolledBackFrom hold pod-template hashes. While the
	// Deployment runs the template that it was rolled back to, a second
	// rollback has nothing to do.
	rolledBackTo   = "runback.dev/rolled-back-to"
	rolledBackFrom = "runback.dev/rolled-back-from"
	// failedTemplates lists the hashes of templates that were rolled back from.
	failedTemplates = "runback.dev/failed-templates"
	// knownGood is set to "true" on a ReplicaSet by a deploy pipeline whose
	// checks passed.
	knownGood = "runback.dev/known-good"
	// restartedBy marks the pod template of a restart.
	restartedBy = "runback.dev/restarted-by"
)

// fieldManager is our name in managedFields.
const fieldManager = "runback"

func annotation(name string) path { return path{"metadata", "annotations", name} }

// thisStep stands in previews for the key of the step: a key differs between a
// plan and its run, although what is done does not.
const thisStep = "(key of this step)"

func hideKey(changes []actions.FieldChange, key string) []actions.FieldChange {
	for i := range changes {
		if changes[i].After == key {
			changes[i].After = thisStep
		}
	}
	return changes
}

func plainText(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}
