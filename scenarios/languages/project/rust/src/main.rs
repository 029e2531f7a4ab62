//! Prints a greeting, which it keeps as JSON.

use serde::Deserialize;

#[derive(Deserialize)]
struct Greeting {
    text: String,
}

fn main() {
    let greeting: Greeting = serde_json::from_str(r#"{"text": "Hello, World!"}"#).expect("the greeting is JSON");
    let greets = regex::Regex::new("^Hello").expect("the pattern is right").is_match(&greeting.text);
    println!("{}", if greets { greeting.text.as_str() } else { "?" });
}
