fn row<'a, T: Table>(&self, id: &'a str, table: u32, trace: Trace) -> Result<T, Error>
where
    T: Clone,
{
    let __load = match {
        let __handle = Self::rows::<T>(self, id, &table);
        if let ::core::option::Option::Some(__hit) = __handle.__hit() {
            return __hit;
        }
        __handle.__miss().begin_sync()
    } {
        ::core::result::Result::Ok(__out) => return __out,
        ::core::result::Result::Err(__load) => __load,
    };
    let __out: Result<T, Error> = { self.read(id) };
    #[allow(unreachable_code)]
    return ::fastness::__private::end_sync(__load, __out);
}
#[doc = "The entry of `row` under these arguments, to be read and written without a call of it."]
#[allow(clippy::ptr_arg, clippy::pedantic)]
#[inline]
fn rows<'a, T: Table>(
    &self,
    id: &'a str,
    table: &u32,
) -> ::fastness::__private::Handle<impl ::fastness::__private::Handled<Out = Result<T, Error>>>
where
    T: Clone,
{
    #[allow(unused_imports)]
    use ::fastness::__private::prelude::*;
    static __SITE: __fastness_Site = __fastness_Site::new(
        __fastness_Cacheable,
        "row",
        ::core::module_path!(),
        "row:{id}",
        &[__fastness_Lit("row:"), __fastness_Placeholder(0)],
    )
    .handle("rows")
    .tags(&["table:{table}"])
    .receiver(::fastness::__private::Receiver::InKey);
    :: fastness :: __private :: register ! (site __SITE);
    let __instance = __fastness_instance_of_method::<_, fn(*const Self, *const T)>(|| ());
    let __on = &self.fast;
    let __shape = (&&&&&__fastness_returns::<Result<T, Error>>()).__shape();
    ::fastness::__private::handle(
        &__SITE,
        __instance,
        __shape,
        ((&__fastness_Arg(&*self)).__required_namespace(), (&__fastness_Arg(id)).__part()),
        move || {
            (
                ::fastness::__private::tag_list([::fastness::__private::tag(
                    &[__fastness_Lit("table:"), __fastness_Placeholder(0)],
                    &(__fastness_NoNamespace, (&__fastness_Arg(table)).__part()),
                )]),
                ::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64)),
            )
        },
    )
    .__on(::core::option::Option::Some(__on))
}
