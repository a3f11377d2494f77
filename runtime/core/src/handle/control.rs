//! The controls of functions: the switch that turns one off, and its settings.

use std::collections::HashMap;
use std::sync::Arc;

#[cfg(feature = "settings")]
use super::function_settings::FunctionSettings;
use super::plain;
use super::switch::Switch;

/// The controls of one function, which its call sites share.
#[derive(Debug, Default)]
pub(crate) struct FunctionControl {
    pub(crate) switch: Switch,
    #[cfg(feature = "settings")]
    pub(crate) settings: FunctionSettings,
}

/// The controls of all functions of a handle.
#[derive(Default)]
pub(crate) struct FunctionControls {
    /// The controls of functions that were called, by the paths of the functions.
    called: HashMap<String, CalledFunction>,
    /// The controls of functions that the registry knows and that were not called yet, by the paths of their declarations.
    declared: HashMap<String, Arc<FunctionControl>>,
}

/// A function that was called.
pub(crate) struct CalledFunction {
    pub(crate) control: Arc<FunctionControl>,
    /// The paths by which the registry knows it: several if it is a method of several instantiations of a type, in several modules.
    pub(crate) declarations: Vec<String>,
}

impl FunctionControls {
    /// Returns the controls of a function that is called for the first time. `declared` is the path by which the registry knows it, which
    /// has no types in it.
    pub(super) fn first_call(&mut self, path: &str, declared: &str) -> Arc<FunctionControl> {
        let of_declaration = self.declared.get(declared);
        let called = self.called.entry(path.to_owned()).or_insert_with(|| CalledFunction {
            control: of_declaration.cloned().unwrap_or_default(),
            declarations: Vec::new(),
        });
        if !called.declarations.iter().any(|known| known == declared) {
            called.declarations.push(declared.to_owned());
        }
        called.control.clone()
    }

    /// Returns the controls that functions with this path in the registry have from their first call on.
    pub(crate) fn declared(&mut self, declared: &str) -> Arc<FunctionControl> {
        self.declared.entry(declared.to_owned()).or_default().clone()
    }

    /// Returns all functions that were called, with their paths.
    pub(crate) fn called(&self) -> impl Iterator<Item = (&String, &CalledFunction)> {
        self.called.iter()
    }

    /// Returns the controls of all functions.
    #[cfg(feature = "settings")]
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<FunctionControl>> {
        self.called.values().map(|function| &function.control).chain(self.declared.values())
    }
}

/// The switches that a call site obeys: that of its handle, and that of its function, with the function's settings.
#[derive(Clone, Debug)]
pub(crate) struct SiteSwitches {
    handle: Arc<Switch>,
    function: Arc<FunctionControl>,
}

impl SiteSwitches {
    pub(super) fn new(handle: Arc<Switch>, function: Arc<FunctionControl>) -> Self {
        Self { handle, function }
    }

    pub(crate) fn is_off(&self) -> bool {
        plain::has_switches() && (self.handle.is_off() || self.function.switch.is_off())
    }

    /// Returns the settings of the function.
    #[cfg(feature = "settings")]
    pub(crate) fn settings(&self) -> &FunctionSettings {
        &self.function.settings
    }
}
