# SPDX-License-Identifier: GPL-2.0
# camzone: the module for the kernel whose build directory is KDIR (it must hold
# the Rust metadata), and the shortcuts for developing it, which build and test
# inside a Debian sysroot of their own (tools/) and need nothing of this host.

KDIR   ?= /lib/modules/$(shell uname -r)/build
PREFIX ?= /usr/local
CARGO  ?= cargo
DEPMOD ?= depmod
# What a kernel was built to: O, for who keeps that apart from its source, as Yocto does.
BUILD   = $(or $(O),$(KDIR))
# The module goes below DESTDIR too, where nothing else is said.
INSTALL_MOD_PATH ?= $(DESTDIR)

all modules:
	@test -e $(BUILD)/rust/libkernel.rmeta || { \
		echo "$(BUILD) has no rust/libkernel.rmeta, which a module in Rust takes: see README.md, 'on your own router'" >&2; \
		exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

install: install-module install-ctl

# By the name that kbuild, and so Yocto's module class, has for it.
modules_install: install-module

# Where KDIR has no System.map (Debian's headers) modules_install skips depmod.
install-module: modules
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules_install INSTALL_MOD_PATH=$(INSTALL_MOD_PATH)
	$(DEPMOD) -a $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) "$$(cat $(BUILD)/include/config/kernel.release)"

install-ctl:
	@command -v $(CARGO) >/dev/null || { \
		echo "camzonectl takes cargo 1.85 or newer, and there is none; sudo may hide yours ('make install CARGO=/where/it/is/cargo');" \
			"'make install-module' installs the module alone" >&2; \
		exit 1; }
	$(CARGO) build --release --locked --target-dir build/target --manifest-path userspace-ctl/Cargo.toml
	install -D -m 755 build/target/release/camzonectl $(DESTDIR)$(PREFIX)/bin/camzonectl

clean:
	@if [ -e $(KDIR)/Makefile ]; then $(MAKE) -C $(KDIR) M=$(CURDIR) clean; fi
	rm -rf build

# --- developing -------------------------------------------------------------
# setup   the sysroot, the stock kernel and the guest's disk, in the cache
# update  the same, looking for a newer kernel in backports
# module  build/camzone.ko for the stock kernel
# ctl     build/camzonectl, and the tests' programs, static, for the guest
# demo    the article's network with camzone on guard, live
# check   the tests; ends with "N passed, N failed"
# check-debug  the scenarios on a kernel that watches memory, locks and RCU
# soak    the long ones
# bench   instructions per packet, beside other firewalls (build/bench.json, build/bench.svg)
# bench-check  that no packet costs more than tests/bench/baseline.json says
setup:
	tools/setup
update:
	tools/setup --update
module:
	tools/module
ctl:
	tools/programs
demo: module ctl
	tests/vm/run --timeout 600 tests/vm/demo
check:
	tools/check
check-debug:
	tools/check --debug
soak:
	tools/check --soak
bench:
	tests/bench/all
bench-check:
	tests/bench/gate

.PHONY: all modules install modules_install install-module install-ctl clean setup update module ctl demo check check-debug soak bench bench-check
