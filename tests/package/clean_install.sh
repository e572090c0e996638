#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Debian's packages in a Debian 12 that has nothing else (mmdebstrap, as root): they install, the program runs its demo model,
# and a program is built on the library with nothing but a compiler, pkg-config and what the packages depend on.
#
#   tests/package/clean_install.sh build/deb/*.deb
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
packages=
for package in "$@"; do
  case $package in
  *-dbgsym_*) continue ;;
  esac
  cp "$package" "$work"
  packages="$packages /tmp/packages/$(basename "$package")"
done
cp "$here/docs/example/activation.c" "$work"
cat >"$work/smoke" <<'SMOKE'
set -eux
cd /tmp
data=/usr/share/clip-parity/data/fashion-clip
picture=$data/images/00029-dress.png
clip-parity --version
clip-parity classify --model $data --image $picture --prompt 'a photo of a dress' 'a photo of a bag' --compare activation=erf
cd /usr/share/clip-parity # experiments name their files from here
clip-parity run experiments/quickgelu-vs-gelu.yaml inputs.limit=2 local=off floor=0 output=/tmp/r.h5 2>/dev/null | grep mlp.gelu
clip-parity report /tmp/r.h5 --md >/tmp/r.md
cd /tmp
cc packages/activation.c -o activation $(pkg-config --cflags --libs clip-parity)
./activation $data $picture 'a photo of a dress' 'a photo of a bag'
echo smoke test passed
SMOKE
# mmdebstrap fails where a hook does; $1 in a hook is the new root.
# shellcheck disable=SC2016
mmdebstrap --variant=apt --aptopt='APT::Install-Recommends "false"' \
  --customize-hook='mkdir -p "$1/tmp/packages"' \
  --customize-hook="copy-in $work/. /tmp/packages" \
  --customize-hook="chroot \"\$1\" apt-get install -y $packages" \
  --customize-hook='chroot "$1" clip-parity --version' \
  --customize-hook='chroot "$1" apt-get install -y gcc libc6-dev pkg-config' \
  --customize-hook='chroot "$1" sh /tmp/packages/smoke' \
  bookworm /dev/null
