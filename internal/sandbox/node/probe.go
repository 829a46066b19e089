package node

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// firstProbe is the first interval after the start. It doubles up to the
// probe's period: a fast start shows fast, a slow one costs little.
const firstProbe = 50 * time.Millisecond

// probe runs the container's probes until the context ends. A failed liveness
// or startup probe is told once on unhealthy.
func (c *container) probe(ctx context.Context, unhealthy chan<- string) {
	report := func(kind string) {
		select {
		case unhealthy <- kind:
		default:
		}
	}
	if sp := c.spec.StartupProbe; sp != nil && !c.startUp(ctx, sp) {
		if ctx.Err() == nil {
			report("startup")
		}
		return
	}
	var both sync.WaitGroup
	defer both.Wait()
	if rp := c.spec.ReadinessProbe; rp != nil {
		both.Go(func() { c.repeat(ctx, "Readiness", rp, func(ok bool) bool { c.setReady(ok); return true }) })
	}
	if lp := c.spec.LivenessProbe; lp != nil {
		both.Go(func() {
			c.repeat(ctx, "Liveness", lp, func(ok bool) bool {
				if !ok {
					report("liveness")
				}
				return ok
			})
		})
	}
}

func (c *container) startUp(ctx context.Context, sp *corev1.Probe) bool {
	up := false
	c.repeat(ctx, "Startup", sp, func(ok bool) bool { up = ok; return false })
	if !up {
		return false
	}
	c.mu.Lock()
	c.started = true
	c.ready = c.spec.ReadinessProbe == nil
	c.mu.Unlock()
	c.pod.notify()
	return true
}

func (c *container) setReady(ready bool) {
	c.mu.Lock()
	changed := c.ready != ready && c.state.Running != nil
	if changed {
		c.ready = ready
	}
	c.mu.Unlock()
	if changed {
		c.pod.notify()
	}
}

// repeat probes until the context ends or verdict, which is told every time a
// threshold is reached, answers false.
func (c *container) repeat(ctx context.Context, kind string, p *corev1.Probe, verdict func(bool) bool) {
	period := seconds(p.PeriodSeconds, 10)
	interval := min(firstProbe, period)
	if !sleep(ctx, time.Duration(p.InitialDelaySeconds)*time.Second) {
		return
	}
	successes, failures := 0, 0
	for sleep(ctx, interval) {
		err := c.check(ctx, p)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			successes, failures = successes+1, 0
			if successes >= atLeast(p.SuccessThreshold, 1) {
				interval = period
				if !verdict(true) {
					return
				}
			}
			continue
		}
		successes = 0
		// tries in quick succession do not count, or a threshold meant for
		// periods would be reached in a moment
		if interval < period {
			interval = min(2*interval, period)
			continue
		}
		failures++
		c.pod.event(corev1.EventTypeWarning, "Unhealthy", "%s probe failed: %v", kind, err)
		if failures >= atLeast(p.FailureThreshold, 3) && !verdict(false) {
			return
		}
	}
}

func (c *container) check(ctx context.Context, p *corev1.Probe) error {
	ctx, cancel := context.WithTimeout(ctx, seconds(p.TimeoutSeconds, 1))
	defer cancel()
	switch {
	case p.HTTPGet != nil:
		return c.checkHTTP(ctx, p.HTTPGet)
	case p.TCPSocket != nil:
		addr, err := c.address(p.TCPSocket.Port)
		if err != nil {
			return err
		}
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		return conn.Close()
	case p.Exec != nil:
		return c.runInside(ctx, p.Exec.Command)
	default:
		return fmt.Errorf("this kind of probe is not supported by the sandbox")
	}
}

func (c *container) checkHTTP(ctx context.Context, get *corev1.HTTPGetAction) error {
	addr, err := c.address(get.Port)
	if err != nil {
		return err
	}
	scheme := "http"
	if get.Scheme == corev1.URISchemeHTTPS {
		scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+addr+get.Path, nil)
	if err != nil {
		return err
	}
	for _, h := range get.HTTPHeaders {
		req.Header.Add(h.Name, h.Value)
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // as a kubelet does
	}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 200 || resp.StatusCode >= 400 {
		return fmt.Errorf("HTTP probe failed with statuscode: %d", resp.StatusCode)
	}
	return nil
}

// address is where a port of the container, given by number or name, is bound.
func (c *container) address(port intstr.IntOrString) (string, error) {
	n := port.IntValue()
	if port.Type == intstr.String {
		for _, p := range c.spec.Ports {
			if p.Name == port.StrVal {
				n = int(p.ContainerPort)
			}
		}
		if n == 0 {
			return "", fmt.Errorf("couldn't find port %s", strconv.Quote(port.StrVal))
		}
	}
	return c.pod.host.cfg.Slot.Bind(c.pod.ip, n)
}

func seconds(n, otherwise int32) time.Duration {
	if n <= 0 {
		n = otherwise
	}
	return time.Duration(n) * time.Second
}

func atLeast(n int32, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return int(n)
}

// sleep reports false when the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
