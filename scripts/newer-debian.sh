# Sourced by the scripts that take packages from a newer Debian: where they unpack to, nothing is installed.
#
# newer_debian WORK PRIORITY COMMAND...: apt-get COMMAND with a private state in WORK; the system's apt keeps its own.
# Indexes are checked against the system's archive keyring, packages against the indexes. PRIORITY of unstable: 100 to
# prefer the newest stable release, 950 to prefer unstable. Returns 1, with the reason in $newer_debian_error, if
# packages cannot be had here.
newer_debian() {
  local work=$1 priority=$2 keyring=/usr/share/keyrings/debian-archive-keyring.gpg mirror suite present; shift 2
  newer_debian_error="automatic download works on Debian amd64 only"
  [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || return 1
  newer_debian_error="$keyring is missing (package debian-archive-keyring)"
  [ -f $keyring ] || return 1
  newer_debian_error="no Debian mirror found in /etc/apt (set DEBIAN_MIRROR)"
  mirror=${DEBIAN_MIRROR:-$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -v '^ *#' |
    grep -oE 'https?://[^ ]+/debian/?( |$)' | head -1 | tr -d '[:space:]' || true)}
  [ -n "$mirror" ] || return 1

  mkdir -p "$work"/{lists/partial,archives/partial,log,etc/preferences.d,etc/parts,root}
  for suite in trixie sid; do echo "deb [signed-by=$keyring arch=amd64] $mirror $suite main"; done > "$work/etc/sources.list"
  cat > "$work/etc/preferences" <<P
Package: *
Pin: release n=sid
Pin-Priority: $priority

Package: *
Pin: release n=trixie
Pin-Priority: 900
P
  for present in debconf systemd-standalone-sysusers; do  # only maintainer scripts need them, and none is run
    printf 'Package: %s\nStatus: install ok installed\nVersion: 999\nArchitecture: all\nMaintainer: none\nDescription: -\n\n' $present
  done > "$work/status"
  cat > "$work/apt.conf" <<P
Dir::State "$work"; Dir::State::lists "$work/lists"; Dir::State::status "$work/status";
Dir::Cache "$work"; Dir::Cache::archives "$work/archives"; Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";
Dir::Etc "$work/etc"; Dir::Etc::sourcelist "$work/etc/sources.list"; Dir::Etc::sourceparts "-";
Dir::Etc::parts "$work/etc/parts"; Dir::Etc::preferences "$work/etc/preferences"; Dir::Etc::preferencesparts "-";
Dir::Log "$work/log"; Debug::NoLocking "true"; Acquire::Languages "none"; Acquire::Retries "3"; APT::Sandbox::User "";
Acquire::Check-Valid-Until "false"; Acquire::Check-Date "false";
APT::Architecture "amd64"; APT::Architectures "amd64"; APT::Get::AllowUnauthenticated "false";
P
  export APT_CONFIG="$work/apt.conf"
  newer_debian_error="the Debian mirror does not answer"
  apt-get -qq update >&2 || return 1
  newer_debian_error="the Debian mirror does not have it (apt-get $*)"
  (cd "$work/archives" && apt-get -qq -y --no-install-recommends "$@" >&2) || return 1
  for package in "$work"/archives/*.deb; do dpkg-deb -x "$package" "$work/root"; done
  (cd "$work/archives" && sha256sum -- *.deb) > "$work/root/SHA256SUMS"
  rm -rf "$work/root/usr/share"
}
