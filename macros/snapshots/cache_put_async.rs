async fn save(&mut self, id: u64, user: User) -> Result<User, Error> {
    let __put = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        static __SITE: __Site =
            __Site::new(__Put, "save", ::core::module_path!(), "user:{id}", &[__Text("user:"), __Place(0)])
                .receiver(::fastness::__private::Receiver::InKey);
        :: fastness :: __private :: register ! (site __SITE);
        let __here = __instance_in::<_, fn(*const Self)>(|| ());
        let __shape = (&&&&&__returns::<Result<User, Error>>()).__shape();
        let __key = ((&__Arg(&*self)).__own_scope(), (&__Arg(&id)).__part());
        __SITE.put(
            __None,
            __shape,
            __here,
            &__key,
            &[],
            ::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64))
                .wire((&&__Wired(__shape, ())).__wire()),
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
