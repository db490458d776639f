#!/bin/sh
# Show what an organization may hear after a number, a line each, and the number to go on from: BASE=… sh events.sh TOKEN [AFTER]
curl -sS -D - -H "Authorization: Bearer $1" -H 'Accept: application/x-ndjson' "$BASE/events?after=${2:-0}&limit=1000" |
  tr -d '\r' | grep -i '^x-next-after\|^{'
