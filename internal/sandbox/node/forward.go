package node

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
)

// portForward connects a stream of `kubectl port-forward` with a port of a pod.
func (m *manager) portForward(ctx context.Context, namespace, podName string, port int32, stream io.ReadWriteCloser) error {
	p, err := m.find(namespace, podName)
	if err != nil {
		return err
	}
	addr, err := m.host.cfg.Slot.Bind(p.ip, int(port))
	if err != nil {
		return err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("connect to port %d of pod %s: %w", port, podName, err)
	}
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(conn, stream)
		// the client is done; the pod may still answer
		_ = conn.(*net.TCPConn).CloseWrite()
	})
	_, err = io.Copy(stream, conn)
	closeQuietly(stream)
	closeQuietly(conn)
	both.Wait()
	return err
}
