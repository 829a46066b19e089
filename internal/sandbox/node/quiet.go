package node

import "github.com/virtual-kubelet/virtual-kubelet/log"

// quiet drops what the node library says: our own log has one voice.
type quiet struct{}

func (quiet) Debug(...any)                       {}
func (quiet) Debugf(string, ...any)              {}
func (quiet) Info(...any)                        {}
func (quiet) Infof(string, ...any)               {}
func (quiet) Warn(...any)                        {}
func (quiet) Warnf(string, ...any)               {}
func (quiet) Error(...any)                       {}
func (quiet) Errorf(string, ...any)              {}
func (quiet) Fatal(...any)                       {}
func (quiet) Fatalf(string, ...any)              {}
func (q quiet) WithField(string, any) log.Logger { return q }
func (q quiet) WithFields(log.Fields) log.Logger { return q }
func (q quiet) WithError(error) log.Logger       { return q }

var _ log.Logger = quiet{}
