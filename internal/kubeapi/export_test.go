package kubeapi

import "time"

// SetClock gives a client another clock.
func SetClock(c *Client, now func() time.Time) { c.Kinds.now = now }
