#!/usr/bin/env bash
# The blue-green rollback by hand: the calls and the waits of the playbook, with
# kubectl ($1 and what follows it is how kubectl is called).
set -euo pipefail
k=("$@")
"${k[@]}" get deployment app-stable -o json >/dev/null
"${k[@]}" get deployment app-canary -o json >/dev/null
ready=$("${k[@]}" get pods -l app=myapp,version=stable -o jsonpath='{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}' | grep -c True)
[ "$ready" -gt 0 ]
"${k[@]}" logs deployment/app-canary --tail=50 >/dev/null
want=$("${k[@]}" get deployment app-canary -o jsonpath='{.spec.replicas}')
have=$("${k[@]}" get deployment app-stable -o jsonpath='{.status.readyReplicas}')
if [ "${have:-0}" -lt "$want" ]; then
	"${k[@]}" scale deployment app-stable --replicas="$want"
	"${k[@]}" rollout status deployment app-stable --timeout=60s
fi
"${k[@]}" patch service app-service --type=json -p '[{"op":"replace","path":"/spec/selector","value":{"app":"myapp","version":"stable"}}]'
# Only the good colour serves, for two seconds.
since=$(date +%s%N)
while :; do
	names=$("${k[@]}" get endpointslices -l kubernetes.io/service-name=app-service -o jsonpath='{.items[*].endpoints[*].targetRef.name}')
	case $names in
	"" | *app-canary*) since=$(date +%s%N) ;;
	esac
	if [ $(($(date +%s%N) - since)) -ge 2000000000 ]; then break; fi
	sleep 0.5
done
