# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What every build script shares: where things are, how a cached thing is
# keyed, and how a long step tells what it is doing. Sourced, never run.

set -euo pipefail
shopt -s inherit_errexit

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/camzone
arch=${ARCH:-amd64}
export suite=trixie

say() { printf 'camzone: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Only amd64 is built so far; everything that depends on the machine asks here.
case $arch in
amd64) export flavour=${FLAVOUR:-cloud-amd64} cross=x86_64-linux-gnu- ;;
*) say "ARCH=$arch: not yet (only amd64)"; exit 2 ;;
esac

# digest FILE|=TEXT...: a short hash of the recipe; comments do not count, so
# that explaining a script better does not rebuild the world.
digest() {
	local item
	for item in "$@"; do
		case $item in
		=*) printf '%s\n' "$item" ;;
		*) sed -e '/^[[:space:]]*#/d' -e '/^[[:space:]]*$/d' "$top/$item" ;;
		esac
	done | sha256sum | cut -c1-12
}

# package_list FILE: the names in the list FILE, one a line.
package_list() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$top/$1"; }

# The places of the cached things. Each is whole or it is not there.
sysroot_key() { digest tools/setup-sysroot tools/packages/sysroot "=$arch" "=$suite"; }
sysroot_dir() { printf '%s/sysroot-%s\n' "$cache" "$(sysroot_key)"; }

# The kernel found at set-up time: RELEASE VERSION (of the package) SERIES.
kernel_record() { printf '%s/kernel-%s.%s\n' "$cache" "${KERNEL:-newest}" "$flavour"; }
kernel_field() {
	local file field
	file=$(kernel_record)
	[[ -s $file ]] || return 1
	read -r -a field <"$file"
	printf '%s\n' "${field[$1]}"
}
kernel_release() { kernel_field 0; }
kernel_version() { kernel_field 1; }
kernel_series() { kernel_field 2; }
kernel_key() { digest tools/setup-kernel "=$(sysroot_key)" "=$(kernel_version)" "=$(kernel_release)"; }
kernel_dir() {
	local release key
	release=$(kernel_release) || return 1
	key=$(kernel_key)
	printf '%s/kernel-%s-%s\n' "$cache" "$release" "$key"
}

# The debug kernel, of the same source; with it nothing of the stock kernel changes.
debug_release() { printf '%s-camzone-debug\n' "$(kernel_release | cut -d+ -f1)"; }
debug_dir() {
	local key
	key=$(digest tools/setup-debug-kernel tools/debug.config "=$(kernel_key)")
	printf '%s/kernel-%s-%s\n' "$cache" "$(debug_release)" "$key"
}

# cargo-mutants, for tools/mutants alone.
mutants_dir() { printf '%s/mutants-%s\n' "$cache" "$(digest tools/setup-mutants "=$(sysroot_key)")"; }

# The kernel's selftests of netfilter, for tests/vm/neighbour/run alone.
neighbour_dir() {
	local key
	key=$(digest tools/setup-neighbour tests/vm/neighbour/packages "=$(kernel_key)") || return
	printf '%s/neighbour-%s\n' "$cache" "$key"
}

# step TEXT COMMAND...: run COMMAND with its output kept aside, say what is
# going on at least every ten seconds, and show the output's end if it fails.
step() {
	local text=$1 log pid status=0 start=$SECONDS beat
	shift
	log=$(mktemp)
	say "$text"
	# A process group of its own, so that an interrupt takes all of it along.
	set -m
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	set +m
	# shellcheck disable=SC2064 # the pid and the log of now are meant
	trap "kill -KILL -- -$pid 2>/dev/null; rm -f '$log'; exit 130" INT TERM HUP
	beat=$((SECONDS + 8))
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.2
		if ((SECONDS >= beat)); then
			say "  … $((SECONDS - start)) s: $(tail -c 400 "$log" | tr '\r' '\n' | sed '/^[[:space:]]*$/d' | tail -n 1 | cut -c1-100)"
			beat=$((SECONDS + 8))
		fi
	done
	wait "$pid" || status=$?
	trap - INT TERM HUP
	if ((status)); then
		tail -n 40 "$log" >&2
		say "failed ($status): $text"
	fi
	rm -f "$log"
	return "$status"
}

# lock_cache: one set-up at a time; a killed one leaves no lock behind.
lock_cache() {
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock -n 9 && return
	say "another set-up is running; waiting for it"
	until flock -w 8 9; do say "  … still waiting"; done
}

# A step of a set-up that resumes: `todo STAMP` is true until `done_with STAMP`.
todo() { [[ ! -e $1 ]]; }
done_with() { : >"$1"; }

# host_ca: the host's bundle of certificates (a proxy may have put its own in).
host_ca() {
	local file
	for file in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt \
		/etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do
		if [[ -n $file && -s $file ]]; then
			printf '%s\n' "$file"
			return
		fi
	done
}

# What the host's apt says about proxies and old mirrors holds for ours too.
host_apt_options() {
	command -v apt-config >/dev/null || return 0
	apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-Valid-Until|Check-Date) ' || true
}

# The guest: its programs, and the disk made of them, the kernel's modules and init.
guest_root_dir() { printf '%s/guest-%s\n' "$cache" "$(digest tests/vm/guest/packages "=$arch" "=$suite")"; }
guest_image_dir() {
	local key
	key=$(digest tools/setup-guest tests/vm/guest/{packages,modules,init,ynl} "=$(kernel_key)") || return
	printf '%s/disk-%s\n' "$cache" "$key"
}
