#!/bin/sh
# Turns the process it runs in, already in new network, mount, process and name spaces, into a lab device: the host's
# root under a writable overlay of its own, fresh /proc, /sys, /dev, /run and /tmp, and an init that reaps.
#
# Called by packaging/lab.sh as: device.sh NAME FOLDER STAGE HIDE. Nothing here is seen by the host: every mount is in
# this process's private mount space and ends with it.
set -eu

name=$1
folder=$2
stage=$3
hide=$4

# In the host's numbering, because /proc is still the host's: the lab finds the device by it later. The start time
# tells it from a stranger that gets the same number some day.
read -r self </proc/self/stat
pid=${self%% *}
rest=${self##*) }
# shellcheck disable=SC2086 # the fields of /proc/PID/stat, on purpose
set -- $rest
shift 19
echo "$pid $1" >"$folder/pid"
exec 8>"$folder/ready"

# layer PATH: an overlay over the host's PATH, with its upper side in the lab's folder, or in memory where the file
# system below cannot carry one (a container's own overlay, for instance).
layer() {
  key=upper$(echo "$1" | tr / -)
  mkdir -p "$folder/$key" "$folder/work$key"
  chmod 755 "$folder/$key"
  if ! mount -t overlay overlay -o "lowerdir=$1,upperdir=$folder/$key,workdir=$folder/work$key" "$root$1" 2>/dev/null; then
    memory=$folder/memory$key
    mkdir -p "$memory"
    mount -t tmpfs -o mode=0755 tmpfs "$memory"
    mkdir "$memory/upper" "$memory/work"
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$memory/upper,workdir=$memory/work" "$root$1"
    echo "memory $1" >&8
  fi
}

root=$folder/root
mkdir -p "$root"
layer /
for part in /usr /usr/local /var /var/lib /opt /home /root; do
  if mountpoint -q "$part"; then
    layer "$part"
  fi
done

mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t tmpfs -o mode=0755,nosuid tmpfs "$root/dev"
for node in null zero full random urandom tty; do
  : >"$root/dev/$node"
  mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs "$root/run"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
mkdir -m 1777 "$root/run/lock"

# Cordon and the lab's tools, then names and identity. What the device changed itself in an earlier life stays.
if [ ! -e "$folder/installed" ]; then
  tar -C "$stage" -cf - . | tar -C "$root" --no-overwrite-dir --no-same-owner -xf -
  touch "$folder/installed"
fi
echo "$name" >/proc/sys/kernel/hostname
rm -f "$root/etc/hosts" "$root/etc/hostname" "$root/etc/resolv.conf"
echo "$name" >"$root/etc/hostname"
cp "$folder/hosts" "$root/etc/hosts"
cp "$folder/resolv.conf" "$root/etc/resolv.conf"
if [ ! -e "$folder/machine-id" ]; then
  tr -d - </proc/sys/kernel/random/uuid >"$folder/machine-id"
fi
rm -f "$root/etc/machine-id"
cp "$folder/machine-id" "$root/etc/machine-id"
cp /proc/sys/kernel/random/uuid "$root/run/lab-boot-id"
# Only the network's settings are the device's own; the others would be the host's.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount --bind "$root/run/lab-boot-id" "$root/proc/sys/kernel/random/boot_id"
mount -o remount,bind,ro "$root/proc/sys"
if [ -d "$root$hide" ]; then
  mount -t tmpfs -o mode=0700,size=64k tmpfs "$root$hide"
fi

cd "$root"
mkdir -p mnt
pivot_root . mnt
cd /
umount -l /mnt
# As systemd has it; it is the device's own namespace, and nothing gets out of it.
mount --make-rshared /

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
if ! getent group cordon >/dev/null; then
  groupadd --system cordon
fi
for user in cordon-plugin cordon-channel cordon-console cordon-signer; do
  if ! getent passwd "$user" >/dev/null; then
    useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user"
  fi
done

echo ready >&8
exec 8>&-
exec env -i PATH="$PATH" tini -s -- sleep infinity </dev/null >/dev/null 2>&1
