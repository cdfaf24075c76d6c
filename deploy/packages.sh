# shellcheck shell=bash
# Sourced by deploy/quickstart and tests/run: Debian packages, installed only when missing.

# What building and running needs.
PACKAGES_BUILD=(build-essential cmake ninja-build pkg-config libevent-dev libcurl4-openssl-dev
	libjansson-dev libnanomsg-dev libssl-dev libsqlite3-dev zlib1g-dev libzstd-dev curl ca-certificates)
# The admin pages take three small libraries from npm; whoever has an npm of his own keeps it.
command -v npm >/dev/null || PACKAGES_BUILD+=(npm)

# packages_missing NAME...: prints those that are not installed.
packages_missing() {
	local name
	for name in "$@"; do
		case $(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null) in
		installed) ;;
		*) echo "$name" ;;
		esac
	done
}

# packages_as_root COMMAND...: runs it as root, asking for the right when this is not root.
packages_as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "This needs root, and there is no sudo. Run as root: $*" >&2
		return 1
	fi
}

# packages_install NAME...: installs what is missing; says what it does.
packages_install() {
	local missing=()
	if ! command -v dpkg-query >/dev/null; then
		echo "This is no Debian: make sure that the like of these is installed:" "$@" >&2
		return 0
	fi
	mapfile -t missing < <(packages_missing "$@")
	[ "${#missing[@]}" -gt 0 ] || return 0
	echo "Installing from Debian: ${missing[*]}" >&2
	packages_as_root apt-get -q update >&2
	packages_as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q install -y --no-install-recommends "${missing[@]}" >&2
}
