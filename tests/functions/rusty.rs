// Rust with its standard library: panics and catches it, and replies with what it caught. For `threads` it does so in
// threads, which tell their numbers.
use std::ffi::CStr;
use std::os::raw::{c_char, c_int, c_void};
use std::sync::mpsc;
use std::{io, panic, thread};

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

fn run_threads() -> io::Result<String> {
    let (tell, told) = mpsc::channel();
    let mut threads = Vec::new();
    for number in 1..=3 {
        let tell = tell.clone();
        threads.push(thread::Builder::new().spawn(move || {
            tell.send(number).unwrap();
            assert!(number != 2, "two is not to be");
        })?);
    }
    drop(tell);
    let sum: i32 = told.iter().sum();
    let panicked = threads.into_iter().map(|t| t.join()).filter(|r| r.is_err()).count();
    Ok(format!("sum {sum}, {panicked} panicked"))
}

fn panic_with(payload: String) -> String {
    let caught = panic::catch_unwind(move || -> String { panic!("caught {}", payload) }).unwrap_err();
    caught.downcast_ref::<String>().unwrap().clone()
}

unsafe extern "C" fn handle(ctx: *mut Context, message: *const Message) -> c_int {
    let payload = CStr::from_ptr((*message).payload).to_string_lossy().into_owned();
    let text = match payload.as_str() {
        "threads" => run_threads().unwrap_or_else(|_| "refused".to_string()),
        _ => panic_with(payload),
    };
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
