package kubeapi

import (
	"fmt"
	"net/http"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"
)

// Client reaches one API server. Its parts share the connections and the bound
// on requests a second.
type Client struct {
	REST    rest.Interface
	Dynamic dynamic.Interface
	Kinds   *Kinds

	web *http.Client
}

// New makes the client. It asks the API server nothing.
func New(config *rest.Config) (*Client, error) {
	// The dynamic client's way of reading answers: errors become what
	// k8s.io/apimachinery/pkg/api/errors knows.
	config = dynamic.ConfigFor(config)
	if config.RateLimiter == nil && config.QPS > 0 {
		config.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(config.QPS, config.Burst)
	}
	web, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", config.Host, err)
	}
	plain, err := rest.UnversionedRESTClientForConfigAndClient(config, web)
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", config.Host, err)
	}
	dyn, err := dynamic.NewForConfigAndClient(config, web)
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", config.Host, err)
	}
	return &Client{REST: plain, Dynamic: dyn, Kinds: &Kinds{rest: plain, now: time.Now}, web: web}, nil
}

// Close lets go of idle connections.
func (c *Client) Close() { c.web.CloseIdleConnections() }
