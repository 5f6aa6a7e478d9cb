//! The operations as clients see them: parameters in, answers and faults out.

mod answers;
mod faults;

use crate::{catalogue::prelude::*, operations::ens::testing::World};

const DOCUMENT: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"ens:*","Resource":"*"}]}"#;

type Given<'a> = &'a [(&'a str, &'a str)];

impl World {
    fn ram(&mut self, operation: &str, parameters: Given<'_>) -> Result<Answer, Fault> {
        self.call_of(Product::Ram, operation, parameters)
    }

    fn good(&mut self, operation: &str, parameters: Given<'_>) -> Value {
        Value::Object(
            self.ram(operation, parameters).unwrap_or_else(|fault| panic!("{operation}: {fault:?}")),
        )
    }

    fn identity(&mut self) -> Value {
        Value::Object(self.call_of(Product::Sts, "GetCallerIdentity", &[]).unwrap())
    }
}

fn names(list: &Value, name: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|entry| entry[name].as_str().unwrap().to_owned()).collect()
}
