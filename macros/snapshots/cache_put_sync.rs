fn save(user: User) -> User {
    let __kind = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        (&__returns::<User>()).__kind()
    };
    let __put = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        static __SITE: __Site =
            __Site::new(__Put, "save", ::core::module_path!(), "user:{user.id}", &[__Text("user:"), __Place(0)])
                .tags(&["users"]);
        :: fastness :: __private :: register ! (site __SITE);
        let __here = __instance(|| ());
        let __shape = (&&&&&__kind).__shape();
        let __key = (__NoScope, (&__Arg(&user.id)).__part());
        __SITE.put(
            __None,
            __shape,
            __here,
            &__key,
            &[::fastness::__private::tag(&[__Text("users")], &(__NoScope,))],
            ::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64))
                .wire((&&__Wired(__shape, __kind)).__wire()),
        )
    };
    __kind.finish(__kind.store(__put, __kind.body(move || -> User { { user } })))
}
