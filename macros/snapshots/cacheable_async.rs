async fn get_user(id: u64) -> Result<User, Error> {
    let __miss = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        static __SITE: __Site = __Site::new(
            __Cacheable,
            "get_user",
            ::core::module_path!(),
            "user:<path>:{id}",
            &[__Text("user:"), __Path, __Text(":"), __Place(0)],
        );
        :: fastness :: __private :: register ! (site __SITE);
        let __here = __instance(|| ());
        let __shape = (&&&&&__returns::<Result<User, Error>>()).__shape();
        let __key = (__NoScope, (&__Arg(&id)).__part());
        if let ::core::option::Option::Some(__hit) = __SITE.hit(__None, __shape, __here, &__key) {
            return __hit;
        }
        __SITE.miss(
            __None,
            __shape,
            __here,
            &__key,
            &[],
            ::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64))
                .wire((&&__Wired(__shape, ())).__wire()),
        )
    };
    ::fastness::__private::load(__miss, async move {
        if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<User, Error>> {
            return __value;
        }
        { load(id).await }
    })
    .await
}
