//! Functions for hark in safe Rust: a type that implements [`Function`], and `hark::function!(Type);` once in a crate
//! of type `cdylib`. What the calls mean is in hark's docs/functions.md.
//!
//! No dependency beside the standard library. A panic in a function is a line in the log and a retry.

#[doc(hidden)]
pub mod ffi;
pub mod testing;

use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_int, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Duration;
use std::{ptr, slice};

/// Why a message was not handled; the text goes to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Try again later, as the manifest's `retry` says.
    Retry(String),
    /// Never try again: dead-letter now.
    Reject(String),
}

/// One value for each worker: what it holds stays from message to message.
pub trait Function: Sized {
    /// Before the first message. An error refuses the version, and is logged.
    fn start(context: &Context) -> Result<Self, String>;
    /// Once per message. What it published leaves when it returns Ok.
    fn handle(&mut self, context: &Context, message: &Message) -> Result<(), Failure>;
}

/// A publish or reply that hark refused: a negative errno of hark/function.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused(pub i32);

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Failure {
        Failure::Retry(format!("a publish or reply was refused: {}", std::io::Error::from_raw_os_error(-refused.0)))
    }
}

#[derive(Debug, Clone, Copy)]
pub enum Level {
    Debug = 0,
    Info = 1,
    Warn = 2,
    Error = 3,
}

/// A message, in or out.
#[derive(Debug, Clone, Default)]
pub struct Message<'a> {
    /// None on the way in: a tick of a timer.
    pub topic: Option<&'a str>,
    pub payload: &'a [u8],
    pub qos: u8,
    pub retained: bool,
    pub content_type: Option<&'a str>,
    pub response_topic: Option<&'a str>,
    pub correlation: Option<&'a [u8]>,
    pub properties: Vec<(&'a str, &'a str)>,
    /// Seconds; 0: does not expire.
    pub expiry_s: u32,
}

/// The calls. Of one invocation: it cannot be kept.
pub struct Context {
    raw: *mut ffi::Context,
}

fn c_string(text: &str) -> Result<CString, Refused> {
    CString::new(text).map_err(|_| Refused(-22)) // EINVAL: a zero byte
}

fn c_optional(text: Option<&str>) -> Result<Option<CString>, Refused> {
    text.map(c_string).transpose()
}

fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(ptr::null(), |t| t.as_ptr())
}

fn done(returned: c_int) -> Result<(), Refused> {
    if returned == 0 { Ok(()) } else { Err(Refused(returned)) }
}

/// hark hands out strings of MQTT and YAML, which are UTF-8.
unsafe fn text<'a>(p: *const c_char) -> Option<&'a str> {
    if p.is_null() { None } else { CStr::from_ptr(p).to_str().ok() }
}

unsafe fn bytes<'a>(p: *const c_void, len: usize) -> &'a [u8] {
    if len == 0 { &[] } else { slice::from_raw_parts(p as *const u8, len) }
}

impl Context {
    fn calls(&self) -> &ffi::Calls {
        unsafe { &*(*self.raw).calls }
    }

    /// At QoS 1, not retained.
    pub fn publish(&self, topic: &str, payload: impl AsRef<[u8]>) -> Result<(), Refused> {
        let (topic, data) = (c_string(topic)?, payload.as_ref());
        done(unsafe { (self.calls().publish)(self.raw, topic.as_ptr(), data.as_ptr() as *const c_void, data.len()) })
    }

    pub fn publish_message(&self, m: &Message) -> Result<(), Refused> {
        let topic = c_optional(m.topic)?;
        let (content_type, response_topic) = (c_optional(m.content_type)?, c_optional(m.response_topic)?);
        let mut owned = Vec::new();
        for (key, value) in &m.properties {
            owned.push((c_string(key)?, c_string(value)?));
        }
        let properties: Vec<_> =
            owned.iter().map(|(k, v)| ffi::Property { key: k.as_ptr(), value: v.as_ptr() }).collect();
        let raw = ffi::Message {
            topic: pointer(&topic),
            payload: m.payload.as_ptr() as *const c_void,
            payload_len: m.payload.len(),
            qos: m.qos,
            retained: m.retained,
            content_type: pointer(&content_type),
            response_topic: pointer(&response_topic),
            correlation: m.correlation.map_or(ptr::null(), |c| c.as_ptr() as *const c_void),
            correlation_len: m.correlation.map_or(0, |c| c.len()),
            properties: properties.as_ptr(),
            property_count: properties.len(),
            expiry_s: m.expiry_s,
        };
        done(unsafe { (self.calls().publish_message)(self.raw, &raw) })
    }

    pub fn reply(&self, payload: impl AsRef<[u8]>) -> Result<(), Refused> {
        let data = payload.as_ref();
        done(unsafe { (self.calls().reply)(self.raw, data.as_ptr() as *const c_void, data.len()) })
    }

    /// The level of the topic that the trigger calls `{name}`.
    pub fn capture(&self, name: &str) -> Option<&str> {
        let name = c_string(name).ok()?;
        unsafe { text((self.calls().capture)(self.raw, name.as_ptr())) }
    }

    /// A value of the manifest's `config`.
    pub fn config(&self, key: &str) -> Option<&str> {
        let key = c_string(key).ok()?;
        unsafe { text((self.calls().config)(self.raw, key.as_ptr())) }
    }

    pub fn log(&self, level: Level, line: &str) {
        // Without a conversion in the format none of the arguments is looked at; a va_list has at most 32 bytes.
        let mut no_arguments = [0u64; 8];
        if let Ok(format) = CString::new(line.replace('%', "%%").replace('\0', " ")) {
            let args = no_arguments.as_mut_ptr() as *mut c_void;
            unsafe { (self.calls().logv)(self.raw, level as c_int, format.as_ptr(), args) }
        }
    }

    /// 1 on the first try of this message.
    pub fn attempt(&self) -> u32 {
        unsafe { (self.calls().attempt)(self.raw) }
    }

    /// The time left until this invocation is killed.
    pub fn budget(&self) -> Duration {
        Duration::from_nanos(unsafe { (self.calls().budget_ns)(self.raw) }.max(0) as u64)
    }
}

unsafe fn message<'a>(m: &ffi::Message) -> Message<'a> {
    let mut properties = Vec::with_capacity(m.property_count);
    for i in 0..m.property_count {
        let p = &*m.properties.add(i);
        properties.push((text(p.key).unwrap_or(""), text(p.value).unwrap_or("")));
    }
    Message {
        topic: text(m.topic),
        payload: bytes(m.payload, m.payload_len),
        qos: m.qos,
        retained: m.retained,
        content_type: text(m.content_type),
        response_topic: text(m.response_topic),
        correlation: if m.correlation.is_null() { None } else { Some(bytes(m.correlation, m.correlation_len)) },
        properties,
        expiry_s: m.expiry_s,
    }
}

#[doc(hidden)]
pub unsafe extern "C" fn start<F: Function>(raw: *mut ffi::Context) -> c_int {
    let context = Context { raw };
    match catch_unwind(AssertUnwindSafe(|| F::start(&context))) {
        Ok(Ok(function)) => {
            (*raw).user = Box::into_raw(Box::new(function)) as *mut c_void;
            0
        }
        Ok(Err(why)) => {
            context.log(Level::Error, &why);
            -1
        }
        Err(_) => -1, // the panic has written its line
    }
}

#[doc(hidden)]
pub unsafe extern "C" fn handle<F: Function>(raw: *mut ffi::Context, m: *const ffi::Message) -> c_int {
    let context = Context { raw };
    let function = &mut *((*raw).user as *mut F);
    match catch_unwind(AssertUnwindSafe(|| function.handle(&context, &message(&*m)))) {
        Ok(Ok(())) => 0,
        Ok(Err(Failure::Retry(why))) => {
            context.log(Level::Warn, &why);
            1
        }
        Ok(Err(Failure::Reject(why))) => {
            context.log(Level::Warn, &why);
            2
        }
        Err(_) => 1,
    }
}

#[doc(hidden)]
pub unsafe extern "C" fn stop<F: Function>(raw: *mut ffi::Context) {
    let function = Box::from_raw((*raw).user as *mut F);
    let _ = catch_unwind(AssertUnwindSafe(|| drop(function)));
}

/// `hark::function!(Type);` once, at the top of the crate: exports what hark looks for.
#[macro_export]
macro_rules! function {
    ($type:ty) => {
        #[no_mangle]
        #[allow(non_upper_case_globals)]
        pub static hark_function: $crate::ffi::Function = $crate::ffi::Function {
            abi: 1,
            size: std::mem::size_of::<$crate::ffi::Function>() as u32,
            start: Some($crate::start::<$type>),
            handle: $crate::handle::<$type>,
            stop: Some($crate::stop::<$type>),
        };
    };
}
