// Rust with its standard library: panics and catches it, and replies with what it caught.
use std::ffi::{c_char, c_int, c_void, CStr};
use std::panic;

type Reply = unsafe extern "C" fn(*mut Context, *const c_void, usize) -> c_int;

#[repr(C)]
pub struct Calls {
    publish: *const c_void,
    publish_message: *const c_void,
    reply: Reply,
}

#[repr(C)]
pub struct Context {
    calls: *const Calls,
    user: *mut c_void,
}

#[repr(C)]
pub struct Message {
    topic: *const c_char,
    payload: *const c_char,
}

#[repr(C)]
pub struct Function {
    abi: u32,
    size: u32,
    start: *const c_void,
    handle: unsafe extern "C" fn(*mut Context, *const Message) -> c_int,
    stop: *const c_void,
}

unsafe impl Sync for Function {}

unsafe extern "C" fn handle(ctx: *mut Context, message: *const Message) -> c_int {
    let payload = CStr::from_ptr((*message).payload).to_string_lossy().into_owned();
    let caught = panic::catch_unwind(move || -> String { panic!("caught {}", payload) }).unwrap_err();
    let text = caught.downcast_ref::<String>().unwrap();
    ((*(*ctx).calls).reply)(ctx, text.as_ptr() as *const c_void, text.len())
}

#[no_mangle]
pub static hark_function: Function = Function {
    abi: 1,
    size: std::mem::size_of::<Function>() as u32,
    start: std::ptr::null(),
    handle,
    stop: std::ptr::null(),
};
