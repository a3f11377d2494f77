pub async fn get_user(id: u64, name: &str, trace: Trace) -> User {
    let __miss = {
        let __handle = users(&id, name);
        if let ::core::option::Option::Some(__hit) = __handle.__hit() {
            return __hit;
        }
        __handle.__miss()
    };
    ::fastness::__private::load(__miss, async move {
        if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<User> {
            return __value;
        }
        { load(id, name, trace).await }
    })
    .await
}
#[doc = "The entry of `get_user` under these arguments, to be read and written without a call of it."]
#[allow(clippy::ptr_arg, clippy::pedantic)]
#[inline]
pub fn users(id: &u64, name: &str) -> ::fastness::__private::Handle<impl ::fastness::__private::Handled<Out = User>> {
    #[allow(unused_imports)]
    use ::fastness::__private::prelude::*;
    static __SITE: __fastness_Site = __fastness_Site::new(
        __fastness_Cacheable,
        "get_user",
        ::core::module_path!(),
        "user:<path>:{id}:{name}",
        &[
            __fastness_Lit("user:"),
            __fastness_Path,
            __fastness_Lit(":"),
            __fastness_Placeholder(0),
            __fastness_Lit(":"),
            __fastness_Placeholder(1),
        ],
    )
    .handle("users");
    :: fastness :: __private :: register ! (site __SITE);
    let __instance = __fastness_instance(|| ());
    let __shape = (&&&&&__fastness_returns::<User>()).__shape();
    ::fastness::__private::handle(
        &__SITE,
        __instance,
        __shape,
        (__fastness_NoNamespace, (&__fastness_Arg(id)).__part(), (&__fastness_Arg(name)).__part()),
        move || {
            (
                ::fastness::__private::tag_list([]),
                ::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64))
                    .wire((&&__fastness_Wired(__shape, ())).__wire()),
            )
        },
    )
}
