// Package pod runs programs inside a running container so that each attempt is
// begun at most once and its end is learnt even when the connection or this
// process dies.
//
// An exec through the API server proves little: a connection that breaks can
// look like success (client-go reads an empty error stream as nil, and users
// saw exit code 0 with the process still running: kubernetes/kubectl#1208,
// kubernetes/kubernetes#89031), and a process in the container outlives its
// client. So every exec ends with a line of ours that carries a nonce and the
// exit code, and a program that changes something is not tied to the exec at
// all: a short one claims a directory in the container (mkdir, which one of
// many wins), starts the program in the background, and others ask for what it
// left there.
//
//	CLAIM/pid   the process that waits for the program
//	CLAIM/child the program itself
//	CLAIM/in    standard input
//	CLAIM/out   standard output
//	CLAIM/err   standard error
//	CLAIM/rc    exit code; written aside, then renamed
//	CLAIM/void  the attempt was given up before it began
//
// A look that finds no claim takes it and voids it, so that a start which is
// still on its way can no longer begin anything. What is in the container is
// gone with it: a container that was restarted says nothing any more.
package pod
