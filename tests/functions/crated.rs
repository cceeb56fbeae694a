// Rust with the crate in sdk/rust: publishes what it was given and how, replies, fails, or panics, as the payload says.
use hark::{Context, Failure, Function, Level, Message, Refused};

struct Crated {
    messages: u32,
}

fn publish_same(context: &Context, message: &Message, text: &str) -> Result<(), Refused> {
    let topic = format!("out/{}", context.capture("room").unwrap_or("nowhere"));
    context.publish_message(&Message { topic: Some(&topic), payload: text.as_bytes(), retained: true, ..message.clone() })
}

impl Function for Crated {
    fn start(context: &Context) -> Result<Self, String> {
        match context.config("start") {
            Some("panic") => panic!("not today"),
            Some(other) => Err(format!("start is {other}")),
            None => Ok(Crated { messages: 0 }),
        }
    }

    fn handle(&mut self, context: &Context, message: &Message) -> Result<(), Failure> {
        self.messages += 1;
        match message.payload {
            b"panic" => panic!("at message {}", self.messages),
            b"reply" => context.reply([49, 0, 33])?,
            b"log" => context.log(Level::Warn, "100% sure, %s %n"),
            b"refused" => context.publish("nope", "x")?,
            b"zero" => context.publish("out/a\0b", "x")?,
            b"later" => return Err(Failure::Retry("later, please".to_string())),
            _ => {
                let late = context.budget().is_zero();
                let text = format!("{} {} {late}", self.messages, context.attempt());
                publish_same(context, message, &text)?
            }
        }
        Ok(())
    }
}

hark::function!(Crated);
