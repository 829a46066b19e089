package node

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/runbackhq/runback/internal/sandbox/app"
	"github.com/runbackhq/runback/internal/sandbox/process"
)

// Waiting reasons, in the words of a kubelet.
const (
	reasonPull   = "ErrImagePull"
	reasonConfig = "CreateContainerConfigError"
	reasonRun    = "RunContainerError"
)

// The images there are: the sample application in any version it knows, and
// the programs of this machine.
const (
	imageApp  = "myapp"
	imageHost = "host:local"
)

// errNoImage means that nobody ever pushed such an image.
var errNoImage = errors.New("image not found")

const appPort = 8080

// program is what a container starts.
type program struct {
	argv []string
	env  []string // before the container's own variables, which win
}

func (c *container) program(image string) (program, error) {
	base := []string{
		"PATH=" + filepath.Dir(c.pod.host.cfg.App) + ":" + os.Getenv("PATH"),
		process.Marker + "=" + string(c.pod.host.dir),
		"HOME=" + c.dir, "HOSTNAME=" + c.pod.name,
		"POD_NAME=" + c.pod.name, "POD_NAMESPACE=" + c.pod.namespace, "POD_IP=" + c.pod.ip,
		// where a program listens so that the pod's address leads to it
		"POD_BIND=" + c.pod.bindHost,
	}
	command := append(append([]string(nil), c.spec.Command...), c.spec.Args...)
	if image == imageHost {
		if len(c.spec.Command) == 0 {
			return program{}, fmt.Errorf("%w: %s needs a command", errNoImage, imageHost)
		}
		return program{argv: command, env: base}, nil
	}
	name, tag, _ := strings.Cut(image, ":")
	if name != imageApp {
		return program{}, fmt.Errorf("%w: failed to pull and unpack image %q: not in the sandbox", errNoImage, image)
	}
	if _, err := app.Parse(tag); err != nil {
		return program{}, fmt.Errorf("%w: failed to pull and unpack image %q: %w", errNoImage, image, err)
	}
	listen, err := c.pod.host.cfg.Slot.Bind(c.pod.ip, c.appPort())
	if err != nil {
		return program{}, err
	}
	base = append(base, "APP_VERSION="+tag, "LISTEN="+listen, "SHARD_DIR="+filepath.Join(c.pod.host.dir.Shards(), c.pod.namespace))
	if len(c.spec.Command) == 0 {
		command = append([]string{c.pod.host.cfg.App}, c.spec.Args...)
	}
	return program{argv: command, env: base}, nil
}

// appPort is the port the container declares first.
func (c *container) appPort() int {
	for _, p := range c.spec.Ports {
		return int(p.ContainerPort)
	}
	return appPort
}

func imageID(image string) string { return "sandbox://" + image }

// lookProgram finds argv[0] on the PATH of the container, not on ours.
func lookProgram(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, v := range env {
		path, found := strings.CutPrefix(v, "PATH=")
		if !found {
			continue
		}
		for dir := range strings.SplitSeq(path, ":") {
			if full, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return full, nil
			}
		}
	}
	return "", fmt.Errorf("exec: %s: executable file not found in $PATH", strconv.Quote(name))
}
