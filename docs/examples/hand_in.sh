#!/bin/sh
# Hand files in: BASE=http://127.0.0.1:8080 sh hand_in.sh TOKEN FILE…
# The name goes into a header, never into the address: it may hold a patient's number.
token=$1
shift
for file; do
  curl -sS -H "Authorization: Bearer $token" -H "Content-Disposition: attachment; filename=\"$(basename "$file")\"" --data-binary "@$file" "$BASE/hand-in"
  echo
done
