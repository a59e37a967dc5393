# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# A stock Debian 12 system in a virtual machine, for tests/vm/system/run and demo/run. Wants $work (a folder that the
# caller removes) and $target_release (of its kernel); system_packages: further packages, with commas;
# system_ssh: instead of openssh-server; system_disk: its size (900M).
#
#   system_image        makes $work/vm/{disk.img,vmlinuz,initrd}: Debian 12 as mmdebstrap installs it, with this
#                       kernel, openssh-server and the libraries of the agent's package
#   system_boot         starts it and waits until it answers; the host's loopback is 10.0.2.2 there
#   on COMMAND...       runs a shell command in it, as root
#   system_put FILE... DEST, system_wait_boot ID   copies files; waits for another boot than ID
#   system_boot_id, system_power_off, system_clean
#
# Nothing outside of $work is changed. The machine ends by itself after an hour.

system_pid=
system_seconds=3600

system_sources() { # the sources of packages that this host uses
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | grep '^deb ' >"$work/vm/apt.list"
	[ ! -s "$work/vm/apt.list" ] || echo "$work/vm/apt.list"
	for f in /etc/apt/sources.list.d/*.sources; do
		[ ! -f "$f" ] || echo "$f"
	done
}

system_image() {
	mkdir -p "$work/vm"
	ssh-keygen -q -t ed25519 -N '' -f "$work/vm/key" || return 1
	proxy=$(apt-config dump --format '%v' Acquire::http::Proxy)
	# What is done inside, with the new system as $1.
	cat >"$work/vm/customize" <<-END
		set -e
		root=\$1
		mkdir -p -m 700 "\$root/root/.ssh"
		cp "$work/vm/key.pub" "\$root/root/.ssh/authorized_keys"
		echo server1 >"\$root/etc/hostname"
		echo '/dev/vda / ext4 errors=remount-ro 0 1' >"\$root/etc/fstab"
		printf '[Match]\nName=en* eth*\n[Network]\nDHCP=yes\n' \
			>"\$root/etc/systemd/network/80-dhcp.network"
		chroot "\$root" systemctl -q enable systemd-networkd
		# Of mmdebstrap itself, which takes it away later: services of packages could not be started.
		rm -f "\$root/usr/sbin/policy-rc.d"
		cp "\$root"/boot/vmlinuz-* "$work/vm/vmlinuz"
		cp "\$root"/boot/initrd.img-* "$work/vm/initrd"
		# Without what is mounted in it.
		mkdir "$work/vm/root"
		mount --bind "\$root" "$work/vm/root"
		mke2fs -q -t ext4 -d "$work/vm/root" "$work/vm/disk.img" ${system_disk:-900M} || bad=1
		umount "$work/vm/root"
		[ -z "\${bad-}" ]
	END
	chmod 755 "$work/vm/customize"
	# shellcheck disable=SC2046
	mmdebstrap --quiet --variant=minbase --format=null \
		--include="systemd,systemd-sysv,dbus,udev,kmod,iproute2,ca-certificates,curl,${system_ssh:-openssh-server}" \
		--include="initramfs-tools,linux-image-$target_release" \
		--include=libcurl4,libjansson4,libzstd1,libseccomp2,libsystemd0,libelf1,libdw1 \
		${system_packages:+"--include=$system_packages"} \
		${proxy:+--aptopt="Acquire::http::Proxy \"$proxy\""} \
		--aptopt='Acquire::Languages "none"' --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		--customize-hook="$work/vm/customize" bookworm - $(system_sources) >"$work/vm/image.log" 2>&1 &&
		[ -s "$work/vm/disk.img" ] || {
		tail -n 30 "$work/vm/image.log" >&2
		return 1
	}
}

system_alive() { [ -n "$system_pid" ] && kill -0 "$system_pid" 2>/dev/null; }

# One connection is kept: a new one costs seconds in an emulated machine.
on() {
	ssh -F none -i "$work/vm/key" -p "$system_port" -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectTimeout=5 -o BatchMode=yes \
		-o ServerAliveInterval=5 -o ServerAliveCountMax=4 -o ControlMaster=auto \
		-o ControlPath="$work/vm/ssh" -o ControlPersist=600 root@127.0.0.1 "$@"
}

system_put() { # FILE... DEST
	scp -q -F none -i "$work/vm/key" -P "$system_port" -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ControlPath="$work/vm/ssh" \
		"$@"
}

system_boot_id() { on cat /proc/sys/kernel/random/boot_id; }

# system_wait_boot ID: until it answers, in another boot than ID
system_wait_boot() {
	system_waited=0
	while [ $system_waited -lt 90 ]; do
		system_alive || break
		rm -f "$work/vm/ssh"
		now=$(on -o ControlMaster=no -o ControlPath=none cat /proc/sys/kernel/random/boot_id 2>/dev/null </dev/null)
		[ -z "$now" ] || [ "$now" = "$1" ] || return 0
		system_waited=$((system_waited + 1))
		sleep 1
	done
	echo "the machine does not answer; its console:" >&2
	tail -n 40 "$work/vm/console" >&2
	return 1
}

# One CPU's emulation is at a time: with two threads QEMU's emulation of code that changes itself is not sound.
system_boot() { # [OPTION OF QEMU]...
	for _ in 1 2 3 4 5; do
		system_port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 40000))
		timeout "$system_seconds" qemu-system-x86_64 -accel tcg,thread=single -cpu "${system_cpu:-qemu64}" \
			-m 768 -smp "${system_cpus:-1}" -display none -monitor none -serial "file:$work/vm/console" \
			-kernel "$work/vm/vmlinuz" -initrd "$work/vm/initrd" \
			-append "root=/dev/vda rw console=ttyS0 panic=3 ${system_cmdline:-}" \
			-drive "file=$work/vm/disk.img,if=virtio,format=raw,cache=unsafe" -device virtio-rng-pci \
			-netdev "user,id=n0,hostfwd=tcp:127.0.0.1:$system_port-:22" -device virtio-net-pci,netdev=n0 \
			"$@" </dev/null >"$work/vm/qemu.log" 2>&1 &
		system_pid=$!
		sleep 1
		if system_alive; then
			system_wait_boot none
			return
		fi
	done
	cat "$work/vm/qemu.log" >&2
	return 1
}

# Pulls the plug.
system_power_off() {
	[ -n "$system_pid" ] || return 0
	kill "$system_pid" 2>/dev/null
	wait "$system_pid" 2>/dev/null
	system_pid=
	rm -f "$work/vm/ssh"
}

system_clean() {
	[ ! -S "$work/vm/ssh" ] || ssh -F none -O exit -o ControlPath="$work/vm/ssh" root@127.0.0.1 2>/dev/null
	system_power_off
}
