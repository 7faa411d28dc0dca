// SPDX-License-Identifier: GPL-2.0

//! Network devices: walking over them, and hearing of those that come, go or are renamed.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use super::{
    namespace::Namespace,
    net::NetRef, //
};
use crate::bindings;
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    slice, //
};
use kernel::{
    error::to_result,
    prelude::*,
    types::{
        NotThreadSafe,
        Opaque, //
    },
};

/// The RTNL is held.
pub(crate) struct Rtnl(NotThreadSafe);

impl Rtnl {
    /// Takes it. May sleep.
    pub(super) fn lock() -> Self {
        // SAFETY: Sleeping is allowed, and by the order of locks the caller does not have it.
        unsafe { bindings::rtnl_lock() };
        Rtnl(NotThreadSafe)
    }

    /// Has it borrowed from the caller.
    ///
    /// # Safety
    ///
    /// The RTNL is held, and is for as long as the value is used.
    unsafe fn held() -> ManuallyDrop<Self> {
        ManuallyDrop::new(Rtnl(NotThreadSafe))
    }
}

impl Drop for Rtnl {
    fn drop(&mut self) {
        // SAFETY: It was taken by `lock`.
        unsafe { bindings::rtnl_unlock() };
    }
}

/// A device, while it is visited.
pub(crate) struct Device<'a> {
    /// Its name.
    pub(crate) name: &'a [u8],
    /// Its number.
    pub(crate) ifindex: c_int,
    /// It is the loopback device.
    pub(crate) loopback: bool,
    /// It is a slave of a VRF.
    pub(crate) slave: bool,
    _bound: PhantomData<&'a Rtnl>,
}

impl<'a> Device<'a> {
    /// # Safety
    ///
    /// `raw` was filled in by the shim, and the RTNL is held for all of `'a`.
    unsafe fn new(raw: &'a bindings::camzone_device) -> Self {
        Device {
            // SAFETY: The shim put a device's name and its length there; neither changes under
            // RTNL.
            name: unsafe { slice::from_raw_parts(raw.name, raw.name_len as usize) },
            ifindex: raw.ifindex,
            loopback: raw.loopback,
            slave: raw.slave,
            _bound: PhantomData,
        }
    }
}

/// Visits the devices of the namespace as long as `visitor` says to go on.
pub(super) fn walk<F: FnMut(&Device<'_>) -> bool>(_rtnl: &Rtnl, net: NetRef, mut visitor: F) {
    // SAFETY: The namespace is alive as long as there is a `NetRef`, the RTNL is held, and
    // `visit::<F>` gets the `F` that it expects, only while this call lasts.
    unsafe {
        bindings::camzone_devices_walk(
            net.as_ptr(),
            Some(visit::<F>),
            (&raw mut visitor).cast(), //
        );
    }
}

/// # Safety
///
/// To be called by `camzone_devices_walk` only, with a valid `F` that nobody else uses.
unsafe extern "C" fn visit<F: FnMut(&Device<'_>) -> bool>(
    raw: *const bindings::camzone_device,
    data: *mut c_void,
) -> bool {
    // SAFETY: By this function's promise `data` is an `F`.
    let visitor = unsafe { &mut *data.cast::<F>() };
    // SAFETY: The shim filled it in, and walks under RTNL.
    visitor(&unsafe { Device::new(&*raw) })
}

/// The C side's structure.
#[repr(transparent)]
struct Block(Opaque<bindings::notifier_block>);

// SAFETY: Only the C side writes it, under its own locks.
unsafe impl Sync for Block {}

static BLOCK: Block = Block(Opaque::new(bindings::notifier_block {
    notifier_call: Some(changed),
    next: core::ptr::null_mut(),
    priority: 0,
}));

/// # Safety
///
/// To be called by the chain of netdevice notifiers only.
unsafe extern "C" fn changed(
    _block: *mut bindings::notifier_block,
    event: c_ulong,
    info: *mut c_void,
) -> c_int {
    let there = match u32::try_from(event) {
        // A VRF marks its slaves before the second of the last, and forgets them before the first.
        Ok(
            bindings::netdev_cmd_NETDEV_REGISTER
            | bindings::netdev_cmd_NETDEV_CHANGENAME
            | bindings::netdev_cmd_NETDEV_UP
            | bindings::netdev_cmd_NETDEV_CHANGEUPPER,
        ) => true,
        Ok(bindings::netdev_cmd_NETDEV_UNREGISTER) => false,
        _ => return bindings::NOTIFY_DONE as c_int,
    };
    let mut raw: bindings::camzone_device = pin_init::zeroed();
    // SAFETY: The chain hands over a notifier's information, under RTNL.
    unsafe { bindings::camzone_device_of(info, &mut raw) };
    // SAFETY: The chain is called under RTNL.
    let rtnl = unsafe { Rtnl::held() };
    // SAFETY: The shim filled it in, and the RTNL is held for longer.
    let device = unsafe { Device::new(&raw) };
    // SAFETY: A device is in a namespace that lives, and its state goes only after its devices.
    if let Some(namespace) = unsafe { Namespace::from_raw(raw.net) } {
        namespace.device(&rtnl, &device, there);
    }
    bindings::NOTIFY_DONE as c_int
}

/// Devices are listened to.
///
/// # Invariants
///
/// [`BLOCK`] is in the chain of netdevice notifiers.
pub(crate) struct Notifier(());

impl Notifier {
    /// Listens in every namespace.
    ///
    /// To be called once, after the namespaces' state is in place.
    pub(crate) fn register() -> Result<Self> {
        // SAFETY: The block is static and not registered.
        to_result(unsafe { bindings::register_netdevice_notifier(BLOCK.0.get()) })?;
        // INVARIANT: It was registered just now.
        Ok(Notifier(()))
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is registered, and only this ends it. Afterwards
        // nobody runs it: it only ever runs under the locks that this takes.
        unsafe { bindings::unregister_netdevice_notifier(BLOCK.0.get()) };
    }
}
