package k8s

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

func tellGet(o getOut) string {
	switch {
	case !o.Found:
		return "there is none"
	case o.Object != nil:
		return "found"
	case o.Truncated:
		return fmt.Sprintf("%d found, %d of them read", o.Count, len(o.Items))
	default:
		return fmt.Sprintf("%d found", o.Count)
	}
}

func tellWait(o waitOut) string {
	if o.Ready == nil {
		return ""
	}
	return fmt.Sprintf("%s of %s pods are ready, %s of an older template", known(o.Ready), known(o.Desired), known(o.Old))
}

func tellStatus(o statusOut) string {
	s := fmt.Sprintf("%s, %s of %d pods ready", o.Image, known(o.Ready), o.Desired)
	if !o.Complete && o.Desired > 0 {
		s += fmt.Sprintf(", %s updated", known(o.Updated))
	}
	if n := len(o.Unhealthy); n > 0 {
		s += fmt.Sprintf(", %d not healthy", n)
	}
	if o.Paused {
		s += ", paused"
	}
	switch {
	case o.RolledBack:
		s += "; this is what was rolled back to"
	case o.PreviousImage != "" && o.PreviousProven:
		s += "; before it " + o.PreviousImage + ", proven"
	case o.PreviousImage != "":
		s += "; before it " + o.PreviousImage + ", never proven"
	}
	if o.Reason != "" {
		s += "; " + o.Reason
	}
	return s
}

func tellEndpoints(o endpointsOut) string {
	if !o.Exists {
		return "there is no such Service"
	}
	s := fmt.Sprintf("%d ready", o.Ready)
	if len(o.Images) > 0 {
		var parts []string
		for _, image := range slices.Sorted(maps.Keys(o.Images)) {
			parts = append(parts, fmt.Sprintf("%d × %s", o.Images[image], image))
		}
		s += " (" + strings.Join(parts, ", ") + ")"
	}
	if o.NotReady > 0 {
		s += fmt.Sprintf(", %d not ready", o.NotReady)
	}
	if o.CandidateReady != nil {
		s += fmt.Sprintf("; the candidate selector matches %d pods, %d of them ready", *o.CandidateTotal, *o.CandidateReady)
	}
	return s
}

func tellLogs(o logsOut) string {
	if o.Matched != nil {
		return fmt.Sprintf("%d of %d lines of %d pods match", *o.Matched, o.Lines, o.Pods)
	}
	return fmt.Sprintf("%d lines of %d pods kept", o.Lines, o.Pods)
}

func tellApply(o applyOut) string {
	switch {
	case o.Created:
		return "made"
	case !o.Changed:
		return "is so already"
	}
	return fmt.Sprintf("%d fields were changed", len(o.Changes))
}

func known(n *int) string {
	if n == nil {
		return "an unknown number"
	}
	return strconv.Itoa(*n)
}
