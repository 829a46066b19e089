package postgres

import (
	"fmt"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

// allLoss accepts whatever is lost.
const allLoss = "all"

// acceptLoss compares what would be lost with what may be. Without a word it is
// refused, and the refusal says how much it is.
func acceptLoss(accepted string, since, now time.Time, from string) error {
	window := now.Sub(since)
	if accepted == allLoss {
		return nil
	}
	told := fmt.Sprintf("what was written in the last %s would be lost (since %s, by %s)", rough(window), since.UTC().Format(time.RFC3339), from)
	if accepted == "" {
		return actions.Refuse("say that it may be: accept_data_loss: "+offer(window)+", or all", "%s", told)
	}
	most, err := schema.ParseDuration(accepted)
	switch {
	case err != nil:
		return actions.Invalid("write it like 15m, or all", "accept_data_loss: %w", err)
	case window < 0:
		return actions.Refuse("find out when it was made, then say: accept_data_loss: all", "how much would be lost is not known: by %s it is %s in the future", from, rough(-window))
	case window > most.Std():
		return actions.Refuse("look for a younger one, or say accept_data_loss: "+offer(window), "%s, and at most %s may be", told, most)
	}
	return nil
}

// rough is a length of time that people can read.
func rough(d time.Duration) string {
	if d >= 48*time.Hour {
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
	return schema.Duration(d.Round(time.Second)).String()
}

// offer is a length that is enough for a while.
func offer(d time.Duration) string {
	if d < 0 {
		return allLoss
	}
	return schema.Duration((d + 10*time.Minute).Truncate(time.Minute)).String()
}

// validLoss checks what is written before anything is looked at.
func validLoss(accepted string) error {
	if accepted == "" || accepted == allLoss {
		return nil
	}
	if _, err := schema.ParseDuration(accepted); err != nil {
		return actions.Invalid("write it like 15m, or all", "accept_data_loss: %w", err)
	}
	return nil
}
