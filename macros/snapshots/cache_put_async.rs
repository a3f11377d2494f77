async fn save(&mut self, id: u64, user: User) -> Result<User, Error> {
    let __put = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        static __SITE: __fastness_Site = __fastness_Site::new(
            __fastness_Put,
            "save",
            ::core::module_path!(),
            "user:{id}",
            &[__fastness_Lit("user:"), __fastness_Placeholder(0)],
        )
        .receiver(::fastness::__private::Receiver::InKey);
        :: fastness :: __private :: register ! (site __SITE);
        let __instance = __fastness_instance_of_method::<_, fn(*const Self)>(|| ());
        let __shape = (&&&&&__fastness_returns::<Result<User, Error>>()).__shape();
        let __key = ((&__fastness_Arg(&*self)).__required_namespace(), (&__fastness_Arg(&id)).__part());
        __SITE.put(
            __fastness_None,
            __fastness_Call::new(__instance, __shape, &__key),
            &[],
            ::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64))
                .wire((&&__fastness_Wired(__shape, ())).__wire()),
        )
    };
    let __put = __put.when(id != 0);
    ::fastness::__private::store(__put, async move {
        if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<User, Error>> {
            return __value;
        }
        { self.write(user).await }
    })
    .await
}
