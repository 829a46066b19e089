package slot

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// The API server refuses loopback addresses in pods and endpoints, so pods
// show addresses of the documentation ranges (RFC 5737), which are routed
// nowhere. Block i of these ranges maps to 127.(66+i).<slot>.0/24.
const (
	blockCount = 3
	firstOctet = 66
	// hosts .1 and .255 of a block are never given to a pod
	firstHost, lastHost = 2, 254
)

// ErrNotPodAddress means that an address does not belong to a pod.
var ErrNotPodAddress = errors.New("not a pod address")

// PodAddresses is how many pods a slot can address.
const PodAddresses = blockCount * (lastHost - firstHost + 1)

func block(i int) [3]byte {
	return [blockCount][3]byte{{192, 0, 2}, {198, 51, 100}, {203, 0, 113}}[i]
}

// PodAddress is the address that the i-th pod shows in the API.
func (s Slot) PodAddress(i int) string {
	hosts := lastHost - firstHost + 1
	b := block(i / hosts)
	return fmt.Sprintf("%d.%d.%d.%d", b[0], b[1], b[2], firstHost+i%hosts)
}

// Bind returns the loopback address and port behind a pod's address and port.
func (s Slot) Bind(podIP string, port int) (string, error) {
	host, err := s.BindHost(podIP)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(host, strconv.Itoa(port+s.Shift)), nil
}

// BindHost returns the loopback address behind a pod's address.
func (s Slot) BindHost(podIP string) (string, error) {
	addr, err := netip.ParseAddr(podIP)
	if err != nil || !addr.Is4() {
		return "", fmt.Errorf("%w: %q", ErrNotPodAddress, podIP)
	}
	ip := addr.As4()
	for i := range blockCount {
		if b := block(i); b == [3]byte(ip[:3]) {
			return s.bind(i, int(ip[3])), nil
		}
	}
	return "", fmt.Errorf("%w: %s", ErrNotPodAddress, podIP)
}

func (s Slot) bind(blockIndex, host int) string {
	return fmt.Sprintf("127.%d.%d.%d", firstOctet+blockIndex, s.Number, host)
}
