#!/usr/bin/env bash
# Puts what the server needs at run time into a folder of its own.
# usage: assemble.sh PROJECT TARGET     PROJECT has dist/ (tsc) and node_modules/ without development packages
set -euo pipefail
project=$1 target=$2
mkdir -p "$target/bin"

# Node itself, from the package of this platform.
cp "$(readlink -f "$project/node_modules/.bin/node")" "$target/bin/node"
# Names of functions that only a debugger reads: a fifth of it.
strip --strip-unneeded "$target/bin/node"

cp -R "$project/dist" "$target/dist"
cp "$project/package.json" "$target/package.json"
# Data files that the code reads beside itself.
(cd "$project" && find apiserver controllers openapi -name '*.json' -print0) |
  while IFS= read -r -d '' file; do install -D -m 0644 "$project/$file" "$target/dist/$file"; done
# The version is read from the package's description, two folders above.
cp "$project/package.json" "$target/dist/package.json"

cp -R "$project/node_modules" "$target/node_modules"
cd "$target/node_modules"
rm -rf node node-linux-* node-darwin-* node-bin-* node-win-* .bin .cache .package-lock.json @types
# Types, maps, sources of types and prose are for people who develop; what is built ahead is for another runtime than Node.
find . -type f \( -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' -o -name '*.map' -o -name '*.ts' -o -name '*.md' \) -delete
find . -type d \( -name prebuilds -o -name test -o -name tests -o -name docs -o -name example -o -name examples \) -prune -exec rm -rf {} +
find . -type d -empty -delete
