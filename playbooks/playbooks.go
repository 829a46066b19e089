// Package playbooks holds the playbooks that come with Runback, embedded in
// the binary. They encode the deployment rollback runbook step by step.
package playbooks

import "embed"

// Files holds one playbook a file, named after the playbook.
//
//go:embed *.yaml
var Files embed.FS
