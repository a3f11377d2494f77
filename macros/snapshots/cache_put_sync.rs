fn save(user: User) -> User {
    let __kind = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        (&__fastness_returns::<User>()).__kind()
    };
    let __put = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        static __SITE: __fastness_Site = __fastness_Site::new(
            __fastness_Put,
            "save",
            ::core::module_path!(),
            "user:{user.id}",
            &[__fastness_Lit("user:"), __fastness_Placeholder(0)],
        )
        .tags(&["users"]);
        :: fastness :: __private :: register ! (site __SITE);
        let __instance = __fastness_instance(|| ());
        let __shape = (&&&&&__kind).__shape();
        let __key = (__fastness_NoNamespace, (&__fastness_Arg(&user.id)).__part());
        __SITE.put(
            __fastness_None,
            __fastness_Call::new(__instance, __shape, &__key),
            &[::fastness::__private::tag(&[__fastness_Lit("users")], &(__fastness_NoNamespace,))],
            ::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64))
                .wire((&&__fastness_Wired(__shape, __kind)).__wire()),
        )
    };
    __kind.finish(__kind.store(__put, __kind.body(move || -> User { { user } })))
}
