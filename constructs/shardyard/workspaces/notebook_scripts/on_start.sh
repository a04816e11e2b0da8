#!/bin/bash
# Runs as root at each start of the notebook instance: switches the auto-stop on.
# The stack puts IDLE_MINUTES above this text, and auto_stop.py in the place of its marker.
set -euo pipefail

: "${IDLE_MINUTES:?the stack sets it}"

install -d -m 0755 /opt/shardyard
cat > /opt/shardyard/auto_stop.py <<'AUTO_STOP'
@AUTO_STOP_PY@
AUTO_STOP

# A timer of systemd rather than cron: Amazon Linux 2023 comes without cron. A unit has no HOME of its own, and the aws
# command looks for its credentials there.
systemctl stop shardyard-auto-stop.timer 2>/dev/null || true
systemd-run --unit=shardyard-auto-stop --on-active=5min --on-unit-active=5min --setenv=HOME=/root \
  /usr/bin/python3 /opt/shardyard/auto_stop.py --idle-minutes "$IDLE_MINUTES"
